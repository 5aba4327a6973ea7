import { type FlinkStateSnapshot, type FlinkStateSnapshotStatus, FlinkStateSnapshots } from '@drey/api';
import { MANAGER, primaryWrites } from '../job/primary-writes.ts';
import { performSnapshotStep } from '../job/snapshots/steps.ts';
import { sameStatus } from '../job/status.ts';
import type { Env, FlinkCluster } from '../runtime/ports.ts';
import { FINALIZER } from './deletion.ts';
import { changedLabels } from './labels.ts';
import type { SnapshotPlan } from './plan.ts';

/** How long Flink may take to accept a disposal. */
const REQUEST_TIMEOUT_MS = 10_000;

/** What a plan is carried out with. */
export interface SnapshotActOptions {
  readonly signal: AbortSignal;
  /** undefined: the cluster cannot be asked. */
  readonly flink: FlinkCluster | undefined;
}

/**
 * Carries out a plan. The status is written before the first step, with the resource version it was decided on; when there is
 * nothing to write, a fresh read makes sure that the decision was not made on an old one. `settled` is written only when Flink
 * has accepted what it was asked for. Rejects with a KubeError or a StepError; the next pass goes on from what is recorded.
 */
export async function act(
  env: Env,
  snapshot: FlinkStateSnapshot,
  plan: SnapshotPlan,
  options: SnapshotActOptions,
): Promise<void> {
  const { signal } = options;
  const kind = { resource: FlinkStateSnapshots, cache: env.caches.snapshots, finalizer: FINALIZER };
  const writes = primaryWrites<FlinkStateSnapshotStatus, FlinkStateSnapshot>(env, kind, signal);
  const [first, ...others] = plan.steps;
  const adds = first?.kind === 'add-finalizer';
  let current = adds ? await writes.addFinalizer(snapshot) : snapshot;
  const steps = adds ? others : plan.steps;
  if (!sameStatus(snapshot.status, plan.status)) current = await writes.writeStatus(current, plan.status);
  else if (steps.length > 0) await writes.confirm(current);
  let accepted = true;
  for (const step of steps) {
    signal.throwIfAborted();
    switch (step.kind) {
      case 'add-finalizer':
        break;
      case 'remove-finalizer':
        await writes.removeFinalizer(current);
        break;
      case 'begin-disposal':
        current = await beginDisposal(writes, current, step.path, options);
        break;
      default:
        accepted = (await performSnapshotStep(env, snapshot, step, options)) && accepted;
    }
    env.metrics.steps.inc({ kind: snapshot.kind, step: step.kind });
  }
  if (accepted && plan.settled !== undefined) await writes.writeStatus(current, plan.settled);
  await writeLabels(env, snapshot, plan, signal);
}

/** The id of a disposal is Flink's own choice, so it can be recorded only afterwards; a lost one is asked for again. */
async function beginDisposal(
  writes: ReturnType<typeof primaryWrites<FlinkStateSnapshotStatus, FlinkStateSnapshot>>,
  snapshot: FlinkStateSnapshot,
  path: string,
  { flink, signal }: SnapshotActOptions,
): Promise<FlinkStateSnapshot> {
  const answer = await flink?.disposeSavepoint(path, { timeoutMs: REQUEST_TIMEOUT_MS, signal });
  const operation = snapshot.status?.operation;
  if (answer?.kind !== 'ok' || operation === undefined || operation === null) return snapshot;
  return writes.writeStatus(snapshot, { ...snapshot.status, operation: { ...operation, triggerId: answer.value } });
}

async function writeLabels(
  env: Env,
  snapshot: FlinkStateSnapshot,
  { labels: wanted }: SnapshotPlan,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name = '', labels: current } = snapshot.metadata;
  const labels = changedLabels(wanted, current);
  if (Object.keys(labels).length === 0) return;
  const change = { metadata: { labels } };
  await env.kube.patch(FlinkStateSnapshots, namespace, name, 'merge', change, { fieldManager: MANAGER, signal });
}
