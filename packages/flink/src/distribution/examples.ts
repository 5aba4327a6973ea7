import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { examplesFor } from '../versions/releases.ts';
import { before, type FlinkVersion, formatFlinkVersion, parseFlinkVersion } from '../versions/version.ts';
import { SourceUnavailable } from './download.ts';
import { jarEntryNames, withMainClass } from './jar.ts';
import { fetchMavenJar } from './maven.ts';
import type { ReportProgress } from './progress.ts';
import type { DistributionSystem } from './system.ts';

const PACKAGE = 'org.apache.flink.streaming.examples';

/** The example jars that Flink's own distributions have and that one published jar has the classes for. */
const EXAMPLES: Readonly<Record<string, string>> = {
  StateMachineExample: `${PACKAGE}.statemachine.StateMachineExample`,
  TopSpeedWindowing: `${PACKAGE}.windowing.TopSpeedWindowing`,
  WordCount: `${PACKAGE}.wordcount.WordCount`,
};

/**
 * Puts the streaming examples into `examples/streaming` under the names that Flink's own distribution uses. Being without
 * them is no failure of an installation: the reason is reported as a warning.
 */
export async function addExamples(
  system: DistributionSystem,
  request: { readonly version: FlinkVersion; readonly home: string; readonly signal?: AbortSignal },
  report: ReportProgress,
): Promise<void> {
  const folder = join(request.home, 'examples', 'streaming');
  await mkdir(folder, { recursive: true });
  const published = examplesFor(request.version);
  if (published === undefined) {
    const line = formatFlinkVersion(request.version);
    report({ kind: 'warning', text: `no example jars: none are published for Flink ${line}` });
    return;
  }
  report({ kind: 'step', text: 'fetching example jars' });
  try {
    const [jar, ...needed] = await fetchAll(system, published, folder, request.signal);
    if (jar === undefined) return;
    const classes = new Set(jarEntryNames(jar));
    for (const [name, mainClass] of Object.entries(EXAMPLES)) {
      if (!classes.has(`${mainClass.replaceAll('.', '/')}.class`)) continue;
      await writeFile(join(folder, `${name}.jar`), withMainClass(jar, mainClass, needed));
    }
  } catch (error) {
    if (!(error instanceof SourceUnavailable)) throw error;
    report({ kind: 'warning', text: `no example jars: ${error.message}` });
  }
}

/** The examples' jar, then those it needs. */
async function fetchAll(
  system: DistributionSystem,
  published: { readonly version: string; readonly needs: readonly string[] },
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Buffer[]> {
  const { version } = published;
  const incoming = join(folder, '.incoming.jar');
  const missingParent = before(parseFlinkVersion(version), '2.0') ? {} : { missingParent: 'flink-examples' };
  const jars: Buffer[] = [];
  try {
    for (const artifact of ['flink-examples-streaming', ...published.needs]) {
      await fetchMavenJar(system, { group: 'org.apache.flink', artifact, version, ...missingParent }, incoming, signal);
      jars.push(await readFile(incoming));
    }
  } finally {
    await rm(incoming, { force: true });
  }
  return jars;
}
