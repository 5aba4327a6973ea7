import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './process.ts';

const ITEMS = 32;
const page = readFileSync(join(root, 'docs', 'complaints.md'), 'utf8');

/** Numbers of items and last cells of the rows below a heading. */
function rows(heading: string): { readonly item: number; readonly last: string }[] {
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| (\d+) \|.*\| (.*) \|$/gm)].map(([, item, last]) => ({
    item: Number(item),
    last: last ?? '',
  }));
}

interface NamedTest {
  readonly item: number;
  readonly file: string;
  readonly title: string;
}

const named: NamedTest[] = rows('Done').flatMap(({ item, last }) =>
  last.split('<br>').map((one) => {
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(one) ?? [];
    return { item, file, title };
  }),
);

/** Lines of a file that name a test of an item, with the numbers of the items. */
function linesOf(file: string): { readonly line: string; readonly items: readonly number[] }[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .filter((line) => /^\s*(?:test|it|describe)\b|^\s*'.*12\.1 item/.test(line))
    .flatMap((line) => {
      const numbers = /12\.1 items? (\d+(?:(?:, | and )\d+)*)/.exec(line)?.[1];
      return numbers === undefined ? [] : [{ line, items: numbers.split(/, | and /).map(Number) }];
    });
}

const testFiles = ['packages', 'sim', 'e2e'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
    .map((file) => join(folder, file)),
);

describe('docs/complaints.md', () => {
  it('speaks of every item', () => {
    const spokenOf = new Set([...rows('Done'), ...rows('Not done')].map(({ item }) => item));
    expect([...spokenOf].sort((a, b) => a - b)).toEqual(Array.from({ length: ITEMS }, (_, index) => index + 1));
  });

  it.each(named)('item $item names a test that exists: $file: $title', ({ item, file, title }) => {
    expect(title).not.toBe('');
    const found = linesOf(file).filter(({ line, items }) => items.includes(item) && line.includes(title));
    expect(found).toHaveLength(1);
  });

  it('knows every test that has the number of an item', () => {
    const unknown = testFiles.flatMap((file) =>
      linesOf(file).flatMap(({ line, items }) =>
        items
          .filter((item) => !named.some((one) => one.item === item && one.file === file && line.includes(one.title)))
          .map((item) => `${item}: ${file}: ${line.trim()}`),
      ),
    );
    expect(unknown).toEqual([]);
  });
});
