import { realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { formatFlinkVersion, installedDistributions } from '@drey/flink';
import type { FlinkDistribution } from './images.ts';

type System = Parameters<typeof installedDistributions>[0];

/** Finds the Flink distributions of this machine for images; the Java runtime is JAVA_HOME's or the one on the PATH. */
export function localDistributions(system: System): (version: string) => Promise<FlinkDistribution | undefined> {
  return async (version) => {
    const javaHome = javaHomeOf(system.env);
    if (javaHome === undefined) return undefined;
    const all = await installedDistributions(system);
    const found = all.find((one) => {
      const name = formatFlinkVersion(one.version);
      return version === '' || name === version || name.startsWith(`${version}.`);
    });
    return found === undefined ? undefined : { version: formatFlinkVersion(found.version), home: found.home, javaHome };
  };
}

function javaHomeOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env.JAVA_HOME) return env.JAVA_HOME;
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    try {
      return dirname(dirname(realpathSync(join(directory, 'java'))));
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}
