import { type DistributionSystem, findJava, formatFlinkVersion, installedDistributions } from '@drey/flink';
import type { FlinkDistribution } from './images.ts';

/** Finds the Flink distributions of this machine for images, each with a Java runtime that it runs on. */
export function localDistributions(
  system: DistributionSystem,
): (version: string) => Promise<FlinkDistribution | undefined> {
  const known = new Map<string, FlinkDistribution>();
  return async (wanted) => {
    const cached = known.get(wanted);
    if (cached !== undefined) return cached;
    const all = await installedDistributions(system);
    const found = all.find((one) => {
      const name = formatFlinkVersion(one.version);
      return wanted === '' || name === wanted || name.startsWith(`${wanted}.`);
    });
    if (found === undefined) return undefined;
    const java = await findJava(system, found.version);
    if (java === undefined) return undefined;
    const distribution: FlinkDistribution = {
      version: formatFlinkVersion(found.version),
      home: found.home,
      javaHome: java.home,
      javaMajor: java.major,
    };
    known.set(wanted, distribution);
    return distribution;
  };
}
