import { describe, expect, it } from 'vitest';
import { runSeed } from './run-seed.ts';

/** Everything that happened in a seed, and every object that is left. */
async function played(seed: number): Promise<{ lines: string[]; history: unknown; objects: unknown; result: unknown }> {
  const lines: string[] = [];
  let [history, objects]: unknown[] = [];
  const result = await runSeed(seed, {
    trace: (line) => lines.push(line),
    inspect: ({ fabric, server }) => {
      history = structuredClone(fabric.storage.history);
      const kinds = server.server.registry.all().map(({ group, plural }) => [group, plural] as const);
      objects = structuredClone(
        kinds.flatMap(([group, plural]) => server.server.reader.list(group, plural, undefined)),
      );
    },
  });
  return { lines, history, objects, result };
}

describe('A seed', () => {
  // Two seeds with crashes, cut watches and stale lists.
  it.each([14, 1343])('%i does the same twice, to the last object', { timeout: 60_000 }, async (seed) => {
    const first = await played(seed);
    const second = await played(seed);
    expect(first.lines.length).toBeGreaterThan(20);
    expect(second.lines).toEqual(first.lines);
    expect(second).toEqual(first);
  });

  it('is not like another one', { timeout: 60_000 }, async () => {
    expect((await played(14)).lines).not.toEqual((await played(1343)).lines);
  });
});
