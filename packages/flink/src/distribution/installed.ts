import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  compareFlinkVersions,
  type FlinkVersion,
  formatFlinkVersion,
  tryParseFlinkVersion,
} from '../versions/version.ts';
import { type DataLayout, dataFolder, dataLayout } from './layout.ts';
import type { DistributionSystem } from './system.ts';

/** A Flink distribution on this machine. */
export interface FlinkDistribution {
  readonly version: FlinkVersion & { readonly patch: number };
  /** Its folder, with `bin`, `conf`, `lib`, `opt` and `plugins`. */
  readonly home: string;
  /** `FLINK_HOME`, or the data folder of Drey. */
  readonly origin: 'FLINK_HOME' | 'drey';
}

/** Written last into a distribution: its presence says that the installation is complete. */
export const INSTALL_RECORD = '.drey-install.json';

/** What an installation leaves in {@link INSTALL_RECORD}. */
export interface InstallRecord {
  readonly version: string;
  readonly source: string;
  readonly files: readonly { readonly name: string; readonly sha256: string; readonly verifiedBy: string }[];
  readonly installedAt: string;
}

/** The distributions on this machine: the one in `FLINK_HOME` first, then Drey's own, newest first. */
export async function installedDistributions(
  system: Pick<DistributionSystem, 'env' | 'homeDirectory'>,
): Promise<FlinkDistribution[]> {
  const own = await ownDistributions(dataLayout(dataFolder(system)));
  const fromEnvironment = await distributionAt(system.env.FLINK_HOME, 'FLINK_HOME');
  return fromEnvironment === undefined ? own : [fromEnvironment, ...own];
}

async function ownDistributions(layout: DataLayout): Promise<FlinkDistribution[]> {
  const names = await readdir(layout.flink).catch(() => []);
  const found: FlinkDistribution[] = [];
  for (const name of names) {
    const home = join(layout.flink, name);
    if (name.startsWith('.') || !existsSync(join(home, INSTALL_RECORD))) continue;
    const distribution = await distributionAt(home, 'drey');
    if (distribution !== undefined) found.push(distribution);
  }
  return found.sort((a, b) => compareFlinkVersions(b.version, a.version));
}

/** The distribution in a folder, recognised by its flink-dist jar; undefined where there is none. */
export async function distributionAt(
  home: string | undefined,
  origin: FlinkDistribution['origin'],
): Promise<FlinkDistribution | undefined> {
  if (home === undefined || home === '') return undefined;
  const jars = await readdir(join(home, 'lib')).catch(() => []);
  for (const jar of jars) {
    const version = tryParseFlinkVersion(/^flink-dist(?:_[\d.]+)?-(.+)\.jar$/.exec(jar)?.[1] ?? '');
    if (version?.patch !== undefined) return { version: { ...version, patch: version.patch }, home, origin };
  }
  return undefined;
}

/**
 * The installed distribution for a version: the exact release where the patch is named, else the newest one of the line.
 * `FLINK_HOME` comes first when it matches.
 */
export async function findDistribution(
  system: Pick<DistributionSystem, 'env' | 'homeDirectory'>,
  version: FlinkVersion,
): Promise<FlinkDistribution | undefined> {
  const all = await installedDistributions(system);
  return all.find(
    (one) =>
      one.version.major === version.major &&
      one.version.minor === version.minor &&
      (version.patch === undefined || version.patch === one.version.patch),
  );
}

/** The record of how a distribution was installed; undefined for `FLINK_HOME`. */
export async function installRecord(distribution: FlinkDistribution): Promise<InstallRecord | undefined> {
  const text = await readFile(join(distribution.home, INSTALL_RECORD), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as InstallRecord);
}

/** `flink-1.20.5`, for messages. */
export function distributionName(version: FlinkVersion): string {
  return `flink-${formatFlinkVersion(version)}`;
}
