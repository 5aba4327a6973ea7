import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * Recorded outputs of real programs, one area a folder (`flink-native`, `flink-config`, `flink-rest`, `kube-api`, …).
 * The project carries a compact copy (`<area>.json.gz`: path → text); the environment variable DREY_GOLDEN names another
 * folder of the same layout, so that unseen cases run through the same suites.
 */
export interface GoldenArea {
  /** Paths inside the area, sorted, with `/`. */
  readonly files: readonly string[];
  /** The text of one file; throws when it is not there. */
  text(path: string): string;
  json<T>(path: string): T;
}

/** Opens one area. An area that a DREY_GOLDEN folder lacks is empty. */
export function goldenArea(area: string): GoldenArea {
  const content = load(area);
  const text = (path: string): string => {
    const found = content.get(path);
    if (found === undefined) throw new Error(`no golden file ${area}/${path}`);
    return found;
  };
  return { files: [...content.keys()].sort(), text, json: <T>(path: string): T => JSON.parse(text(path)) as T };
}

function load(area: string): Map<string, string> {
  const other = process.env.DREY_GOLDEN;
  return other ? readFolder(join(other, area)) : projectCopy(area);
}

/** Path → text of the project's own copy of an area, whatever DREY_GOLDEN says. */
export function projectCopy(area: string): Map<string, string> {
  const packed = join(import.meta.dirname, `${area}.json.gz`);
  return new Map(
    Object.entries(JSON.parse(gunzipSync(readFileSync(packed)).toString('utf8')) as Record<string, string>),
  );
}

/** Every file below `folder`, as the packer and DREY_GOLDEN read it. */
export function readFolder(folder: string): Map<string, string> {
  const out = new Map<string, string>();
  if (!existsSync(folder)) return out;
  const walk = (dir: string): void => {
    for (const name of readdirSync(dir).sort()) {
      const path = join(dir, name);
      if (statSync(path).isDirectory()) walk(path);
      else out.set(relative(folder, path), readFileSync(path, 'utf8'));
    }
  };
  walk(folder);
  return out;
}
