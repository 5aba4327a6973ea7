import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './process.ts';

/** Which packages a package may use; docs/architecture.md explains why. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  api: [],
  kube: [],
  flink: [],
  manifests: ['api', 'flink'],
  operator: ['api', 'kube', 'flink', 'manifests'],
  devcluster: ['api', 'kube', 'flink'],
  cli: ['api', 'kube', 'flink', 'manifests', 'operator', 'devcluster'],
};

interface Import {
  readonly file: string;
  readonly from: string;
}

function importsOf(name: string): Import[] {
  const source = join(root, 'packages', name, 'src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
  return files.flatMap((file) => {
    const text = readFileSync(join(source, file), 'utf8');
    return specifiers(text).map((from) => ({ file: `packages/${name}/src/${file}`, from }));
  });
}

/** Statements begin their line, as the formatter sees to; calls of `import()` name what they load in one string. */
const statement = /^(?:import|export)\b(?:[^'"`;]*\bfrom)?\s*'([^'\n]+)'/gm;
const call = /\bimport\(\s*'([^'\n]+)'\s*\)/g;

/** What a source imports and re-exports; the contents of strings and comments are none of it. */
function specifiers(text: string): string[] {
  return [...text.matchAll(statement), ...text.matchAll(call)].map((m) => m[1] ?? '');
}

describe('the search for imports', () => {
  it('finds every form, on one line or several', () => {
    const text = [
      "import a from 'a';",
      "import 'b';",
      "import {\n  one,\n  type Two,\n} from 'c';",
      "export type * from 'd';",
      "export {\n  x,\n} from 'e';",
      "const f = await import('f');",
      "const g: typeof import('g') = f;",
    ].join('\n');
    expect(specifiers(text)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('is not misled by strings', () => {
    const text =
      "const text = 'taken from ' + 'x';\nconst script = `\n  import { y } from 'z';\n`;\nexport const from = 'w';";
    expect(specifiers(text)).toEqual([]);
  });
});

describe('the packages', () => {
  it('are all known to this test', () => {
    expect(readdirSync(join(root, 'packages')).sort()).toEqual(Object.keys(allowed).sort());
  });

  for (const [name, may] of Object.entries(allowed)) {
    it(`${name} imports only ${may.length === 0 ? 'itself' : may.join(', ')} of ours, and never deeply`, () => {
      const wrong = importsOf(name).filter(({ file, from }) => {
        if (!from.startsWith('@drey/')) return false;
        const [, target = '', deep] = from.split('/');
        const testing =
          deep === 'testing' &&
          (/\.test\.ts$|\/test-[^/]+$/.test(file) || file.includes('/testing/') || file.includes('/simulation/'));
        return (!may.includes(target) && target !== name) || (deep !== undefined && !testing);
      });
      expect(wrong).toEqual([]);
    });

    it(`${name} declares what it imports`, () => {
      const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as {
        dependencies: Record<string, string>;
      };
      const used = importsOf(name)
        .filter(({ file }) => !file.endsWith('.test.ts'))
        .map(({ from }) => from)
        .filter((from) => !from.startsWith('.') && !from.startsWith('node:'))
        .map((from) =>
          from
            .split('/')
            .slice(0, from.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      expect([...new Set(used)].filter((d) => d !== `@drey/${name}` && !(d in manifest.dependencies))).toEqual([]);
    });
  }
});
