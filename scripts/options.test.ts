import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blueGreenNotes, operatorNotes, resourceNotes, taskManagerStatefulSetNotes } from '@drey/flink';
import { expect, it } from 'vitest';
import { root } from './process.ts';

/** Names of options that production code reads, by the group they are declared in. */
function readOptions(group: string): Set<string> {
  const files = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\/src\/.*\.ts$/.test(file) && !/\.test\.ts$|\/testing\/|node_modules|config\/options\//.test(file),
  );
  const names = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(root, 'packages', file), 'utf8');
    for (const [, name = ''] of text.matchAll(new RegExp(`\\b${group}\\s*\\.\\s*([A-Za-z]+)`, 'g'))) names.add(name);
  }
  return names;
}

it.each([
  ['operatorOptions', operatorNotes],
  ['resourceOptions', resourceNotes],
  ['taskManagerStatefulSetOptions', taskManagerStatefulSetNotes],
  ['blueGreenOptions', blueGreenNotes],
] as const)('%s: the reference says of each option whether anything reads it', (group, notes) => {
  const read = readOptions(group);
  const said = Object.entries(notes);
  const silent = said.filter(([name, { effect }]) => effect !== 'none' && !read.has(name)).map(([name]) => name);
  const modest = said.filter(([name, { effect }]) => effect === 'none' && read.has(name)).map(([name]) => name);
  // An option that is read now loses its `none` in packages/flink/src/config/options/reference.ts, and the other way round.
  expect({ saidToWorkButUnread: silent, saidToDoNothingButRead: modest }).toEqual({
    saidToWorkButUnread: [],
    saidToDoNothingButRead: [],
  });
  for (const [name, { effect, why }] of said) expect(effect === 'none' ? why : 'a reason', name).toBeTruthy();
});
