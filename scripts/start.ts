import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { Service } from '@drey/kube';
import { request } from 'undici';
import { parse } from 'yaml';
import { followDeployment } from '../packages/cli/src/cluster/follow.ts';
import { type Launched, launch } from '../packages/cli/src/cluster/launch.ts';
import { clusterFolder } from '../packages/cli/src/cluster/record.ts';
import { summarise } from '../packages/cli/src/cluster/summary.ts';
import { describeError } from '../packages/cli/src/errors.ts';
import { installDistribution } from '../packages/cli/src/flink/distributions.ts';
import { Steps } from '../packages/cli/src/output/steps.ts';
import { root } from './process.ts';

/**
 * `npm start`: Flink, a cluster with the operator, and examples/state-machine.yaml on it until its first checkpoint.
 * `--once` goes on through the whole story: upgrade with savepoint, check of the state, stop with savepoint, end.
 */
const once = process.argv.includes('--once');
const steps = new Steps((text) => process.stdout.write(text));
const abort = new AbortController();
const name = 'state-machine';
const namespace = 'default';

interface Story {
  readonly cluster: Launched;
  readonly flink: FlinkPort;
}

async function main(): Promise<void> {
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  process.once('SIGTERM', () => abort.abort(new Error('terminated')));
  await installDistribution('1.20', { archives: true });
  steps.done('Flink 1.20 is on this machine');
  const cluster = await launch({
    ...{
      name: once ? `once-${process.pid}` : 'default',
      port: 0,
      operator: true,
      images: {},
      fastStart: true,
      kubeconfig: undefined,
    },
    dataDirectory: once ? undefined : join(clusterFolder('default'), 'data'),
    progress: (what) => steps.done(what),
  });
  try {
    const flink = await startJob(cluster);
    if (once) await goOn({ cluster, flink });
    else await stay(cluster, flink);
  } finally {
    steps.done('stopping');
    await cluster.stop();
    steps.done('stopped, nothing is left running');
  }
}

async function startJob(cluster: Launched): Promise<FlinkPort> {
  const text = readFileSync(join(root, 'examples', 'state-machine.yaml'), 'utf8');
  const example = withStateFolder(parse(text) as FlinkDeployment);
  example.metadata.namespace = namespace;
  await cluster.client.apply(FlinkDeployments, example, { fieldManager: 'npm-start' });
  steps.done('examples/state-machine.yaml applied');
  await reach(
    cluster,
    (object) => object.status?.jobStatus?.state === 'RUNNING' && object.status.lifecycleState === 'STABLE',
  );
  steps.done('job RUNNING');
  const flink = await flinkOf(cluster);
  await until(async () => (await flink.checkpoints()).counts.completed > 0, 'a completed checkpoint');
  steps.done('first checkpoint completed');
  return flink;
}

/** With `--once` state goes to a folder of its own, so that runs do not see each other. */
function withStateFolder(object: FlinkDeployment): FlinkDeployment {
  if (!once) return object;
  const folder = mkdtempSync(join(tmpdir(), 'drey-once-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return JSON.parse(JSON.stringify(object).replaceAll('/tmp/drey/state-machine', folder)) as FlinkDeployment;
}

async function stay(cluster: Launched, flink: FlinkPort): Promise<void> {
  process.stdout.write(`
Flink's dashboard   ${flink.url}
kubectl             export KUBECONFIG=${cluster.kubeconfig}
try next            kubectl get flinkdeployments -w
                    kubectl patch flinkdep ${name} --type merge -p '{"spec":{"job":{"parallelism":1}}}'
                    ./drey status
                    ./drey run path/to/your-job.jar

Ctrl-C stops everything.
`);
  if (abort.signal.aborted) return;
  await new Promise((resolve) => abort.signal.addEventListener('abort', resolve, { once: true }));
}

async function goOn({ cluster, flink }: Story): Promise<void> {
  const before = await flink.checkpoints();
  await change(cluster, { job: { parallelism: 1 } });
  steps.done('parallelism 2 → 1 asked for');
  const stopped = await reach(
    cluster,
    (object) =>
      object.status?.jobStatus?.upgradeSavepointPath !== undefined &&
      object.status.jobStatus.upgradeSavepointPath !== null,
  );
  const savepoint = stopped.status?.jobStatus?.upgradeSavepointPath ?? '';
  steps.done(`savepoint ${savepoint.split('/').at(-1)}`);
  await reach(
    cluster,
    (object) =>
      object.status?.observedGeneration === object.metadata.generation &&
      object.status?.jobStatus?.state === 'RUNNING' &&
      object.status.lifecycleState === 'STABLE',
  );
  steps.done('upgraded job RUNNING');
  const after = await (await flinkOf(cluster)).checkpoints();
  const restored = after.latest.restored?.external_path;
  if (restored === undefined || !samePath(restored, savepoint))
    throw new Error(`the job restored from ${restored}, not from ${savepoint}`);
  steps.done(`restored from that savepoint (${before.counts.completed} checkpoints before it)`);
  await change(cluster, { job: { state: 'suspended' } });
  const suspended = await reach(cluster, (object) => object.status?.lifecycleState === 'SUSPENDED');
  steps.done(`stopped with savepoint ${suspended.status?.jobStatus?.upgradeSavepointPath?.split('/').at(-1)}`);
  await cluster.client.delete(FlinkDeployments, namespace, name);
  await followDeployment(cluster.client, { namespace, name }, () => undefined, { signal: limited() });
  steps.done('deleted');
}

async function change(cluster: Launched, spec: object): Promise<void> {
  await cluster.client.patch(FlinkDeployments, namespace, name, 'merge', { spec });
}

/** Waits for a state, telling of changes on the way; rejects when the deployment fails or vanishes. */
async function reach(cluster: Launched, holds: (object: FlinkDeployment) => boolean): Promise<FlinkDeployment> {
  let last = '';
  const reached = await followDeployment(
    cluster.client,
    { namespace, name },
    (object) => {
      const s = summarise(object);
      const line = [s.lifecycle, `JobManager ${s.jobManager}`, `job ${s.job}`, s.message].filter(Boolean).join(', ');
      if (line !== last) steps.note(line);
      last = line;
      if (s.lifecycle === 'FAILED') throw new Error(`the deployment failed: ${s.message}`);
      return holds(object) ? object : undefined;
    },
    { signal: limited() },
  );
  if (reached === undefined) throw new Error('the FlinkDeployment vanished');
  return reached;
}

/** Ends with Ctrl-C, or after three minutes. */
function limited(): AbortSignal {
  return AbortSignal.any([abort.signal, AbortSignal.timeout(180_000)]);
}

interface Checkpoints {
  readonly counts: { readonly completed: number };
  readonly latest: { readonly restored: { readonly external_path?: string } | null };
}

interface FlinkPort {
  readonly url: string;
  checkpoints(): Promise<{
    counts: Checkpoints['counts'];
    latest: { restored: { external_path?: string } | undefined };
  }>;
}

/** The job's REST API, through its Service. */
async function flinkOf(cluster: Launched): Promise<FlinkPort> {
  const service = await cluster.client.get(Service, namespace, `${name}-rest`);
  const url = `http://${service.spec?.clusterIP}:8081`;
  const object = await cluster.client.get(FlinkDeployments, namespace, name);
  const jobId = object.status?.jobStatus?.jobId;
  return {
    url,
    checkpoints: async () => {
      const answer = await request(`${url}/jobs/${jobId}/checkpoints`);
      const body = (await answer.body.json()) as Checkpoints;
      return { counts: body.counts, latest: { restored: body.latest.restored ?? undefined } };
    },
  };
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 60_000; !(await condition()); ) {
    if (performance.now() > end) throw new Error(`${what} did not come within 60 s`);
    abort.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function samePath(a: string, b: string): boolean {
  const plain = (text: string): string => text.replace(/^file:\/*/, '/').replace(/\/$/, '');
  return plain(a) === plain(b);
}

try {
  await main();
} catch (error) {
  if (abort.signal.aborted) {
    process.exitCode = 130;
  } else {
    const { text, exitCode } = describeError(error);
    process.stderr.write(text);
    process.exitCode = exitCode;
  }
}
