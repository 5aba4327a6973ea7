import { FlinkError } from '../errors.ts';

/** A Flink version. `patch` is absent where only the minor line is known, as in the enum value `v1_20`. */
export interface FlinkVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch?: number;
}

/** A minor line as text, for example `1.20`. */
export type MinorVersion = `${number}.${number}`;

const PATTERN = /^v?(\d{1,3})[._](\d{1,3})(?:[._](\d{1,4}))?(?:[-+.][\w.+-]*)?$/;

/**
 * Reads `1.20`, `1.20.5`, `v1_20`, `2.4-SNAPSHOT` or an image tag such as `1.20.5-scala_2.12-java17`.
 * Undefined when the text is no version.
 */
export function tryParseFlinkVersion(text: string): FlinkVersion | undefined {
  const match = PATTERN.exec(text.trim());
  if (match === null) return undefined;
  const [, major, minor, patch] = match;
  const line = { major: Number(major), minor: Number(minor) };
  return patch === undefined ? line : { ...line, patch: Number(patch) };
}

/** As {@link tryParseFlinkVersion}; throws `E_FLINK_VERSION` for text that is no version. */
export function parseFlinkVersion(text: string): FlinkVersion {
  const version = tryParseFlinkVersion(text);
  if (version !== undefined) return version;
  throw new FlinkError(
    'E_FLINK_VERSION',
    `"${text}" is not a Flink version`,
    'Write a version such as 1.20, 1.20.5 or v1_20.',
  );
}

/** The minor line of a version: `1.20` for 1.20.5. */
export function minorOf(version: FlinkVersion): MinorVersion {
  return `${version.major}.${version.minor}`;
}

/** The value of the FlinkDeployment enum: `v1_20` for 1.20.5. */
export function versionEnumOf(version: FlinkVersion): string {
  return `v${version.major}_${version.minor}`;
}

/** `1.20.5`, or `1.20` where the patch is unknown. */
export function formatFlinkVersion(version: FlinkVersion): string {
  return version.patch === undefined ? minorOf(version) : `${minorOf(version)}.${version.patch}`;
}

/** True when `version` belongs to the minor line `minor` or a later one. */
export function atLeast(version: FlinkVersion, minor: MinorVersion): boolean {
  const [major = 0, line = 0] = minor.split('.').map(Number);
  return version.major > major || (version.major === major && version.minor >= line);
}

/** True when `version` is older than the minor line `minor`. */
export function before(version: FlinkVersion, minor: MinorVersion): boolean {
  return !atLeast(version, minor);
}

/** Orders versions; an unknown patch counts as the newest of its line. */
export function compareFlinkVersions(a: FlinkVersion, b: FlinkVersion): number {
  return (
    a.major - b.major ||
    a.minor - b.minor ||
    (a.patch ?? Number.MAX_SAFE_INTEGER) - (b.patch ?? Number.MAX_SAFE_INTEGER)
  );
}
