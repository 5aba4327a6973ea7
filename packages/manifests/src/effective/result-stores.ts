import {
  atLeast,
  type FlinkConfig,
  highAvailabilityOptions,
  optionalOption,
  stringType,
  tryParseFlinkVersion,
} from '@drey/flink';

/** From this version on Flink also keeps results of whole applications, which end a new JobManager when they are found. */
const FIRST_WITH_APPLICATION_RESULTS = '2.3';
/** Ids of starts: Drey's are 32 digits, the Apache operator's UUIDs. */
const START_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** Characters that mean something to a shell, to a substitution of variables, or to a URI; and what cannot be seen. */
const DOUBTFUL = /[\p{Cc}$%\\`]/u;

const defaultScheme = optionalOption('fs.default-scheme', stringType);

/** What the directories of one start are named after. */
export interface ResultStoreOwner {
  /** The name of the FlinkDeployment, which is the id of its cluster. */
  readonly name: string;
  readonly flinkVersion: string | undefined;
}

/**
 * The options that give one start its own directories for the results of jobs and of applications, named by the Apache
 * operator's rule, so that the result of an earlier start never ends a new one. undefined without an HA directory.
 */
export function resultStores(
  config: FlinkConfig,
  { name, flinkVersion }: ResultStoreOwner,
  startId: string,
): Readonly<Record<string, string>> | undefined {
  const directory = config.get(highAvailabilityOptions.storageDir);
  if (directory === undefined) return undefined;
  const { jobResultStorePath, applicationResultStorePath } = highAvailabilityOptions;
  const ofJobs = { [jobResultStorePath.key]: `${directory}/job-result-store/${name}/${startId}` };
  const version = tryParseFlinkVersion(flinkVersion ?? '');
  if (version === undefined || !atLeast(version, FIRST_WITH_APPLICATION_RESULTS)) return ofJobs;
  return { ...ofJobs, [applicationResultStorePath.key]: `${directory}/application-result-store/${name}/${startId}` };
}

/** Whether the HA directory of a configuration is on storage that is mounted into pods. */
export function hasMountedResults(config: FlinkConfig): boolean {
  return mountedHaDirectory(config) !== undefined;
}

/**
 * Those of `uris` that are directories of results, as a start of the cluster `name` gets them: exactly one directory with the id
 * of a start, below the HA directory of `config`, on storage that is mounted into pods. As local paths, each once. Everything
 * else, and whatever might mean another directory to somebody else, is left out.
 */
export function mountedResultStores(config: FlinkConfig, name: string, uris: readonly string[]): readonly string[] {
  const directory = mountedHaDirectory(config);
  if (directory === undefined) return [];
  const parents = ['job', 'application'].map((kind) => `${directory}/${kind}-result-store/${name}/`);
  const paths = uris.flatMap((uri) => localPath(uri, config) ?? []);
  const isOne = (path: string): boolean =>
    parents.some((parent) => path.startsWith(parent) && START_ID.test(path.slice(parent.length)));
  return [...new Set(paths.filter(isOne))];
}

function mountedHaDirectory(config: FlinkConfig): string | undefined {
  const directory = config.get(highAvailabilityOptions.storageDir);
  return directory === undefined ? undefined : localPath(directory, config);
}

/** The path of a directory in a pod; undefined for other storage, and for a path that is not plain. */
function localPath(uri: string, config: FlinkConfig): string | undefined {
  const path = pathOf(uri, config.get(defaultScheme));
  if (path === undefined || DOUBTFUL.test(path)) return undefined;
  const names = path.split('/').filter((part) => part !== '');
  if (names.length === 0 || names.some((part) => part === '.' || part === '..')) return undefined;
  return `/${names.join('/')}`;
}

/** `file:/x`, `file:///x`, and `/x` where no other file system is the default one. With a host it is nothing of this pod's. */
function pathOf(uri: string, scheme: string | undefined): string | undefined {
  const [, prefix, path] = /^(file:(?:\/\/(?=\/))?)?(\/(?!\/).*)$/.exec(uri) ?? [];
  const isFile = prefix !== undefined || scheme === undefined || scheme.startsWith('file:');
  return isFile ? path : undefined;
}
