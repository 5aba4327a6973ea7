import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FlinkDeployment } from '@drey/api';
import { CliError } from '../errors.ts';

export interface JarJob {
  readonly jar: string;
  readonly name?: string;
  readonly namespace: string;
  readonly entryClass?: string;
  readonly parallelism: number;
  /** For example `1.20`. */
  readonly flink: string;
  readonly config: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** Where the cluster keeps jars and state; mounted into the pods at the same path. */
  readonly folder: string;
}

/** The end of a zip archive: its directory is found from here. A comment of at most 64 KiB may follow. */
const ZIP_END = Buffer.from('PK\x05\x06', 'latin1');
const ZIP_END_WITHIN = 22 + 65_535;

/** Refuses with `E_CLI_JAR` what is no whole zip archive: a wrong path, another kind of file, half a download. */
export function checkJar(jar: string): void {
  if (!existsSync(jar) || !statSync(jar).isFile()) {
    throw new CliError(
      'E_CLI_JAR',
      `there is no jar at ${jar}`,
      'Name the jar that your build made, for example target/my-job.jar.',
      'notFound',
    );
  }
  if (!isZip(jar)) {
    throw new CliError(
      'E_CLI_JAR',
      `${jar} is no jar`,
      'Name a jar (a zip archive) that holds the job and what it needs; build or copy it again if it should be one.',
      'invalid',
    );
  }
}

function isZip(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, ZIP_END_WITHIN));
    readSync(file, end, 0, end.length, size - end.length);
    const start = Buffer.alloc(2);
    readSync(file, start, 0, 2, 0);
    return start.toString('latin1') === 'PK' && end.includes(ZIP_END);
  } finally {
    closeSync(file);
  }
}

/** Copies the jar to where the cluster's pods see it, by content, so that a running job keeps the jar it was started from. */
export function stageJar(jar: string, folder: string): string {
  const bytes = readFileSync(jar);
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  const staged = join(folder, 'jars', digest, basename(jar));
  if (!existsSync(staged)) {
    mkdirSync(dirname(staged), { recursive: true });
    try {
      writeFileSync(`${staged}.new`, bytes);
      renameSync(`${staged}.new`, staged);
    } catch (error) {
      rmSync(`${staged}.new`, { force: true });
      throw error;
    }
  }
  return staged;
}

/** A name for a deployment from the name of its jar. */
export function nameFor(jar: string): string {
  const name = basename(jar)
    .replace(/\.jar$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'job' : name;
}

/** The FlinkDeployment that runs a jar: application mode, checkpoints on, state in the cluster's folder, upgrades by savepoint. */
export function jarDeployment(job: JarJob, staged: string): FlinkDeployment {
  const name = job.name ?? nameFor(job.jar);
  const state = join(job.folder, 'state', name);
  const volume = { name: 'drey-local', mountPath: job.folder };
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkDeployment',
    metadata: { name, namespace: job.namespace },
    spec: {
      image: `flink:${job.flink}`,
      flinkVersion: `v${job.flink.split('.').slice(0, 2).join('_')}` as NonNullable<
        FlinkDeployment['spec']['flinkVersion']
      >,
      serviceAccount: 'flink',
      flinkConfiguration: {
        'taskmanager.numberOfTaskSlots': String(Math.min(job.parallelism, 4)),
        'execution.checkpointing.interval': '10 s',
        'state.checkpoints.dir': `file://${state}/checkpoints`,
        'state.savepoints.dir': `file://${state}/savepoints`,
        ...job.config,
      },
      podTemplate: {
        spec: {
          containers: [{ name: 'flink-main-container', volumeMounts: [volume] }],
          volumes: [{ name: 'drey-local', hostPath: { path: job.folder, type: 'DirectoryOrCreate' } }],
        },
      },
      jobManager: { resource: { memory: '1024m', cpu: 0.5 } },
      taskManager: { resource: { memory: '1536m', cpu: 1 } },
      job: {
        jarURI: `local://${staged}`,
        parallelism: job.parallelism,
        upgradeMode: 'savepoint',
        state: 'running',
        ...(job.entryClass === undefined ? {} : { entryClass: job.entryClass }),
        args: [...job.args],
      },
    },
  };
}

/** Reads `-D key=value`; throws a usage error that shows the form. */
export function parseDefinition(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1)
    throw new CliError(
      'E_CLI_DEFINITION',
      `-D ${text} is not of the form key=value`,
      'For example: -D taskmanager.numberOfTaskSlots=4',
      'usage',
    );
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
