import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './process.ts';

/** Codes that appear as literals in the sources, tests aside. */
function codesInSources(): Set<string> {
  const files = readdirSync(join(root, 'packages'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter(
    (f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && !f.includes('node_modules') && f.includes('/src/'),
  );
  const codes = new Set<string>();
  for (const file of sources) {
    const text = readFileSync(join(root, 'packages', file), 'utf8');
    for (const [code] of text.matchAll(/\bE_[A-Z]+(?:_[A-Z0-9]+)*\b/g)) codes.add(code);
  }
  return codes;
}

/** Codes that the reference page has a row for. */
function codesInDocs(): Set<string> {
  const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  return new Set([...text.matchAll(/^\| `(E_[A-Z0-9_]+)` \|/gm)].map((m) => m[1] ?? ''));
}

describe('docs/errors.md', () => {
  it('explains every code that the sources use', () => {
    const documented = codesInDocs();
    expect([...codesInSources()].filter((code) => !documented.has(code)).sort()).toEqual([]);
  });

  it('explains no code that is gone', () => {
    const used = codesInSources();
    expect([...codesInDocs()].filter((code) => !used.has(code)).sort()).toEqual([]);
  });
});
