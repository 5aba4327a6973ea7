import { FlinkError } from '../errors.ts';
import {
  atLeast,
  before,
  compareFlinkVersions,
  type FlinkVersion,
  formatFlinkVersion,
  type MinorVersion,
  minorOf,
  parseFlinkVersion,
} from './version.ts';

interface Release {
  /** The newest patch release that Drey knows of. */
  readonly newest: string;
  /** The version of the published jar with the streaming examples that runs on this line; absent: none is published. */
  readonly examples?: string;
  /** Artifacts of the same version that the examples need and the distribution lacks. */
  readonly examplesNeed?: readonly string[];
}

/** Minor lines that Drey supports, oldest first. */
const RELEASES: Readonly<Record<MinorVersion, Release>> = {
  '1.15': { newest: '1.15.4' },
  '1.16': { newest: '1.16.3' },
  '1.17': { newest: '1.17.2' },
  '1.18': { newest: '1.18.1', examples: '1.18.1', examplesNeed: ['flink-connector-datagen'] },
  '1.19': { newest: '1.19.3', examples: '1.19.1', examplesNeed: ['flink-connector-datagen'] },
  '1.20': { newest: '1.20.5', examples: '1.20.0' },
  '2.0': { newest: '2.0.2', examples: '2.3.0' },
  '2.1': { newest: '2.1.3', examples: '2.3.0' },
  '2.2': { newest: '2.2.1', examples: '2.3.0' },
  '2.3': { newest: '2.3.0', examples: '2.3.0' },
};

const FIRST_SUPPORTED: MinorVersion = '1.15';
const FIRST_UNSUPPORTED: MinorVersion = '2.5';

/** The newest known patch release of every supported minor line, oldest line first. */
export function knownReleases(): FlinkVersion[] {
  return Object.values(RELEASES).map((release) => parseFlinkVersion(release.newest));
}

/** The newest release that Drey knows of. */
export function newestRelease(): FlinkVersion {
  const newest = knownReleases().sort(compareFlinkVersions).at(-1);
  if (newest === undefined) throw new Error('the table of releases is empty');
  return newest;
}

/**
 * The exact release that a text means: `1.20` the newest known 1.20.x, `1.20.3` itself. Throws `E_FLINK_VERSION` for text
 * that is no version and for lines that Drey does not support.
 */
export function resolveRelease(text: string): FlinkVersion & { readonly patch: number } {
  const version = supportedVersion(text);
  if (version.patch !== undefined) return { ...version, patch: version.patch };
  const newest = RELEASES[minorOf(version)]?.newest;
  const patch = newest === undefined ? undefined : parseFlinkVersion(newest).patch;
  if (patch !== undefined) return { ...version, patch };
  throw new FlinkError(
    'E_FLINK_VERSION',
    `No release of Flink ${minorOf(version)} is known to Drey`,
    `Name the exact release, for example ${minorOf(version)}.0, or use one of ${supportedLines()}.`,
  );
}

/** Parses a version and checks that its line is supported (1.15 up to 2.4). Throws `E_FLINK_VERSION`. */
export function supportedVersion(text: string): FlinkVersion {
  const version = parseFlinkVersion(text);
  if (atLeast(version, FIRST_SUPPORTED) && before(version, FIRST_UNSUPPORTED) && !betweenMajors(version))
    return version;
  throw new FlinkError(
    'E_FLINK_VERSION',
    `Flink ${formatFlinkVersion(version)} is not supported`,
    `Use one of ${supportedLines()}.`,
  );
}

/** 1.20 is the last line of the first major version. */
function betweenMajors(version: FlinkVersion): boolean {
  return version.major === 1 && version.minor > 20;
}

function supportedLines(): string {
  return Object.keys(RELEASES).join(', ');
}

/** The published streaming examples that run on a Flink version, or undefined where there are none. */
export function examplesFor(
  version: FlinkVersion,
): { readonly version: string; readonly needs: readonly string[] } | undefined {
  const release = RELEASES[minorOf(version)];
  return release?.examples === undefined ? undefined : { version: release.examples, needs: release.examplesNeed ?? [] };
}

/** Java versions a Flink version runs on: the oldest, the newest, and the one to take when there is a choice. */
export interface JavaRange {
  readonly oldest: number;
  readonly newest: number;
  readonly preferred: number;
}

/** The Java versions that a Flink version runs on; Java 8 is left out on purpose, class-data archives need 13. */
export function javaRangeFor(version: FlinkVersion): JavaRange {
  // 1.17 starts on 17 too, but not without module flags that its own configuration does not bring.
  if (before(version, '1.18')) return { oldest: 11, newest: 11, preferred: 11 };
  if (before(version, '1.19')) return { oldest: 11, newest: 17, preferred: 17 };
  return { oldest: 11, newest: 21, preferred: 17 };
}
