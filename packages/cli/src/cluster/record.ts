import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors.ts';

/** What a running cluster tells other commands: written when it is ready, removed when it ends. */
export interface ClusterRecord {
  readonly name: string;
  readonly pid: number;
  /** Start time of the process as the kernel has it, so that a reused pid is not taken for ours. */
  readonly processStart: string;
  readonly url: string;
  readonly kubeconfig: string;
  readonly operator: boolean;
  /** Where the operator tells its health, metrics and last decisions; absent without operator. */
  readonly health?: string;
  readonly startedAt: string;
}

const namePattern = /^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/;

/** Drey's own folder: DREY_HOME, else below the XDG data folder. */
export function dreyHome(): string {
  return process.env.DREY_HOME ?? join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'drey');
}

/** The folder of a cluster by name. */
export function clusterFolder(name: string): string {
  if (!namePattern.test(name)) {
    throw new CliError(
      'E_CLI_CLUSTER_NAME',
      `"${name}" cannot be the name of a cluster`,
      'Use up to 32 lower-case letters, digits and dashes.',
      'usage',
    );
  }
  return join(dreyHome(), 'clusters', name);
}

const recordFile = (name: string): string => join(clusterFolder(name), 'cluster.json');

/** Writes the record in one step, readable by its owner only. */
export function writeRecord(record: ClusterRecord): void {
  mkdirSync(clusterFolder(record.name), { recursive: true, mode: 0o700 });
  const file = recordFile(record.name);
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Forgets a cluster, if it is still this process's. */
export function removeRecord(name: string, pid: number): void {
  if (readRecord(name)?.pid === pid) rmSync(recordFile(name), { force: true });
}

/** The record of a cluster, running or not; undefined when there is none. */
export function readRecord(name: string): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(name), 'utf8')) as ClusterRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Every cluster that has a record. */
export function allRecords(): readonly ClusterRecord[] {
  let names: string[] = [];
  try {
    names = readdirSync(join(dreyHome(), 'clusters'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return names.map(readRecord).filter((one): one is ClusterRecord => one !== undefined);
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); undefined when it is gone. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Whether the recorded process still runs. */
export function isRunning(record: ClusterRecord): boolean {
  return processStart(record.pid) === record.processStart;
}

/** The running cluster of this name, or a coded error that says how to start one. */
export function runningCluster(name: string): ClusterRecord {
  const record = readRecord(name);
  if (record !== undefined && isRunning(record)) return record;
  const others = allRecords()
    .filter(isRunning)
    .map((one) => one.name);
  const hint = others.length > 0 ? `Running: ${others.join(', ')}. Choose one with --name.` : 'Start one with: drey up';
  throw new CliError('E_CLI_NO_CLUSTER', `no cluster "${name}" is running`, hint, 'notFound');
}
