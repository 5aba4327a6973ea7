import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './process.ts';

const folder = join(root, 'packages', 'operator', 'src');

/** Sources of the operator, tests aside. */
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('testing'))
  .map((file) => readFileSync(join(folder, file), 'utf8'));

/** Ways in which a reason of a condition or an event is written: as a member, as the argument of a helper, as a constant. */
const FORMS = [
  /\breason: '([A-Z]\w+)'/g,
  /\breason(?: =|:) [^'\n]*\? '([A-Z]\w+)'/g,
  /\breason(?: =|:) [^'\n]*\? '[A-Z]\w+' : '([A-Z]\w+)'/g,
  /\b(?:warning|waiting|wait)\(\s*(?:context,\s*)?'([A-Z][a-z]\w+)'/g,
  /\b[A-Z_]*(?:REASON|WARNING) = '([A-Z]\w+)'/g,
];

function reasonsInSources(): Set<string> {
  return new Set(
    sources.flatMap((text) => FORMS.flatMap((form) => [...text.matchAll(form)].map((match) => match[1] ?? ''))),
  );
}

/** Names in the first cells of the page's tables below a heading. */
function documented(...headings: readonly string[]): Set<string> {
  const sections = readFileSync(join(root, 'docs', 'status.md'), 'utf8').split(/^## /m);
  const rows = sections
    .filter((one) => headings.some((heading) => one.startsWith(heading)))
    .flatMap((one) => one.match(/^\| `[^|]*/gm) ?? []);
  return new Set(rows.flatMap((row) => [...row.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '')));
}

/** Put together from parts, so that no literal holds them whole. */
const COMPOSED = ['SnapshotError', 'CheckpointError', 'SnapshotAbandoned'];

describe('docs/status.md', () => {
  it('explains every reason of a condition or an event', () => {
    const known = documented('Reasons', 'Events');
    expect([...reasonsInSources()].filter((reason) => !known.has(reason)).sort()).toEqual([]);
  });

  it('explains no reason and no condition that is gone', () => {
    const isUsed = (name: string): boolean =>
      COMPOSED.includes(name) || sources.some((text) => text.includes(`'${name}'`));
    expect([...documented('Reasons', 'Events')].filter((name) => !isUsed(name)).sort()).toEqual([]);
    const types = [...documented('Conditions')].filter((name) => !/^(?:Savepoint|Checkpoint)Schedule$/.test(name));
    expect(types.filter((name) => !isUsed(name)).sort()).toEqual([]);
  });

  it('finds the reasons that there are', () => {
    expect(reasonsInSources().size).toBeGreaterThan(60);
  });
});
