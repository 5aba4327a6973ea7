import {
  type DistributionSystem,
  findArchive,
  findJava,
  formatFlinkVersion,
  type FlinkDistribution as Installed,
  installedDistributions,
  type JavaRuntime,
} from '@drey/flink';
import type { FlinkDistribution } from './images.ts';

/**
 * Finds the Flink distributions of this machine for images, each with a Java runtime that it runs on, and with class-data
 * archives where they have been made. Asked for every container, so that what is installed later is found; Java, which takes
 * a process to ask, is remembered.
 */
export function localDistributions(
  system: DistributionSystem,
): (version: string) => Promise<FlinkDistribution | undefined> {
  const runtimes = new Map<string, JavaRuntime>();
  const javaFor = async (installed: Installed): Promise<JavaRuntime | undefined> => {
    const known = runtimes.get(installed.home);
    const java = known ?? (await findJava(system, installed.version));
    if (java !== undefined) runtimes.set(installed.home, java);
    return java;
  };
  return async (wanted) => {
    const all = await installedDistributions(system);
    const installed = all.find((one) => {
      const name = formatFlinkVersion(one.version);
      return wanted === '' || name === wanted || name.startsWith(`${wanted}.`);
    });
    const java = installed === undefined ? undefined : await javaFor(installed);
    if (installed === undefined || java === undefined) return undefined;
    const archive = (service: 'standalonesession' | 'taskexecutor') =>
      findArchive(system, { distribution: installed, java, service });
    const [jobmanager, taskmanager] = await Promise.all([archive('standalonesession'), archive('taskexecutor')]);
    return {
      version: formatFlinkVersion(installed.version),
      home: installed.home,
      javaHome: java.home,
      javaMajor: java.major,
      archives: {
        ...(jobmanager === undefined ? {} : { jobmanager }),
        ...(taskmanager === undefined ? {} : { taskmanager }),
      },
    };
  };
}
