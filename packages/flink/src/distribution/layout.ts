import { isAbsolute, join, resolve } from 'node:path';
import { type FlinkVersion, formatFlinkVersion } from '../versions/version.ts';
import type { DistributionSystem } from './system.ts';

/**
 * The folder for data that Drey keeps between runs: `DREY_HOME`, else `drey` in `XDG_DATA_HOME`, else
 * `~/.local/share/drey`.
 */
export function dataFolder(system: Pick<DistributionSystem, 'env' | 'homeDirectory'>): string {
  const own = system.env.DREY_HOME;
  if (own !== undefined && own !== '') return resolve(own);
  const xdg = system.env.XDG_DATA_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(system.homeDirectory, '.local', 'share');
  return join(base, 'drey');
}

/** Where things are inside the data folder. */
export interface DataLayout {
  readonly root: string;
  /** Installed distributions, one folder a version. */
  readonly flink: string;
  /** Java runtimes that Drey installed, one folder a version. */
  readonly java: string;
  /** Class-data archives. */
  readonly archives: string;
  /** Files on their way, kept so that an interrupted download goes on. */
  readonly downloads: string;
}

/** The layout of a data folder. */
export function dataLayout(root: string): DataLayout {
  return {
    root,
    flink: join(root, 'flink'),
    java: join(root, 'java'),
    archives: join(root, 'archives'),
    downloads: join(root, 'downloads'),
  };
}

/** The folder of an installed distribution. */
export function distributionFolder(layout: DataLayout, version: FlinkVersion): string {
  return join(layout.flink, formatFlinkVersion(version));
}
