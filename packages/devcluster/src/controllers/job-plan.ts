import type { Condition, Job, Pod } from '@drey/kube';
import { timestamp } from '../node/pod-status.ts';
import { isActive, isPodReady } from './pod-facts.ts';
import { podFromTemplate } from './replica-set.ts';

/** What a Job does with its pods next, as pure functions with the real controller's rules. */

export const INDEX = 'batch.kubernetes.io/job-completion-index';
const BACKOFF = { firstMs: 10_000, capMs: 600_000 } as const;

export interface JobPlan {
  /** Pods to create; an index for each in Indexed mode. */
  readonly create: readonly (number | undefined)[];
  readonly remove: readonly Pod[];
  readonly status: NonNullable<Job['status']>;
  /** When to look again. */
  readonly wakeAt: number | undefined;
  /** The Job is over and its time to live has passed. */
  readonly expired: boolean;
}

export function planJob(job: Job, pods: readonly Pod[], now: number): JobPlan {
  const counts = countJob(job, pods);
  const ended = endedAs(job);
  if (ended !== undefined) {
    const ttl = job.spec?.ttlSecondsAfterFinished;
    const expiresAt = ttl === undefined ? undefined : Date.parse(ended.lastTransitionTime ?? '') + ttl * 1000;
    const status = job.status ?? {};
    const expired = expiresAt !== undefined && now >= expiresAt;
    return { create: [], remove: pods.filter(isActive), status, wakeAt: expired ? undefined : expiresAt, expired };
  }
  const startTime = job.status?.startTime ?? (job.spec?.suspend === true ? undefined : timestamp(now));
  const verdict = verdictOn(job, counts, startTime, now);
  if (verdict !== undefined) return finish(job, counts, verdict, startTime, now);
  if (job.spec?.suspend === true) {
    const suspended = condition('Suspended', 'JobSuspended', 'Job suspended', now);
    const { startTime: _since, ...status } = jobStatus(job, { ...counts, active: [] }, undefined);
    return {
      create: [],
      remove: counts.active,
      status: { ...status, conditions: [suspended] },
      wakeAt: undefined,
      expired: false,
    };
  }
  const wanted = wantedPods(job, counts);
  const retryAt = counts.newFailures === 0 ? 0 : counts.lastFailureAt + backoff(counts.newFailures);
  const create = retryAt > now ? [] : wanted.create;
  const times = [retryAt > now && wanted.create.length > 0 ? retryAt : undefined, deadline(job, startTime)];
  const later = times.filter((at) => at !== undefined);
  return {
    create,
    remove: wanted.remove,
    status: jobStatus(job, counts, startTime),
    wakeAt: later.length === 0 ? undefined : Math.min(...later),
    expired: false,
  };
}

interface Counts {
  readonly active: Pod[];
  readonly succeeded: number;
  readonly failed: number;
  /** Failures since the last success, for the back-off. */
  readonly newFailures: number;
  readonly lastFailureAt: number;
  /** Restarts of containers in active pods, which count as failures with restartPolicy OnFailure. */
  readonly restarts: number;
  readonly doneIndexes: ReadonlySet<number>;
}

function countJob(job: Job, pods: readonly Pod[]): Counts {
  const active = pods.filter(isActive);
  const succeeded = pods.filter((pod) => pod.status?.phase === 'Succeeded');
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed');
  const lastSuccess = Math.max(0, ...succeeded.map(endOf));
  const recent = failed.filter((pod) => endOf(pod) >= lastSuccess);
  const restarts = active.flatMap((pod) => pod.status?.containerStatuses ?? []).reduce((n, c) => n + c.restartCount, 0);
  return {
    active,
    succeeded: Math.max(succeeded.length, job.status?.succeeded ?? 0),
    failed: Math.max(failed.length, job.status?.failed ?? 0),
    newFailures: recent.length,
    lastFailureAt: Math.max(0, ...recent.map(endOf)),
    restarts: job.spec?.template.spec?.restartPolicy === 'OnFailure' ? restarts : 0,
    doneIndexes: new Set(succeeded.map(indexOf).filter((index) => index !== undefined)),
  };
}

interface Verdict {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

function verdictOn(job: Job, counts: Counts, startTime: string | undefined, now: number): Verdict | undefined {
  const { completions, parallelism = 1, completionMode } = job.spec ?? {};
  if (counts.failed + counts.restarts > (job.spec?.backoffLimit ?? 6)) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const until = deadline(job, startTime);
  if (until !== undefined && now >= until) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  const done = completionMode === 'Indexed' ? counts.doneIndexes.size : counts.succeeded;
  const complete =
    completions === undefined
      ? counts.succeeded > 0 && counts.active.length === 0 && parallelism > 0
      : done >= completions;
  if (!complete) return undefined;
  return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
}

function finish(job: Job, counts: Counts, verdict: Verdict, startTime: string | undefined, now: number): JobPlan {
  const { type, reason, message } = verdict;
  const first = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
  const conditions = [condition(first, reason, message, now), condition(type, reason, message, now)];
  const status = jobStatus(job, { ...counts, active: [] }, startTime);
  const completed = type === 'Complete' ? { completionTime: timestamp(now) } : {};
  // Pods that were still running when the Job failed are stopped, and count as failed.
  const failed = type === 'Failed' ? counts.failed + counts.active.length : counts.failed;
  return {
    create: [],
    remove: counts.active,
    status: { ...status, ...(failed === 0 ? {} : { failed }), ...completed, conditions },
    wakeAt: job.spec?.ttlSecondsAfterFinished === undefined ? undefined : now + job.spec.ttlSecondsAfterFinished * 1000,
    expired: false,
  };
}

function wantedPods(job: Job, counts: Counts): { create: (number | undefined)[]; remove: Pod[] } {
  const { completions, parallelism = 1, completionMode } = job.spec ?? {};
  const left = completions === undefined ? parallelism : completions - counts.succeeded;
  const stillWanted =
    completions === undefined && counts.succeeded > 0 ? counts.active.length : Math.min(parallelism, left);
  const missing = stillWanted - counts.active.length;
  if (missing < 0) return { create: [], remove: counts.active.slice(missing) };
  if (completionMode !== 'Indexed') return { create: Array.from({ length: missing }, () => undefined), remove: [] };
  const taken = new Set([...counts.doneIndexes, ...counts.active.map(indexOf)]);
  const free = Array.from({ length: completions ?? 0 }, (_, index) => index).filter((index) => !taken.has(index));
  return { create: free.slice(0, missing), remove: [] };
}

function jobStatus(job: Job, counts: Counts, startTime: string | undefined): NonNullable<Job['status']> {
  const some = (name: string, value: number) => (value === 0 ? {} : { [name]: value });
  const indexes = [...counts.doneIndexes].sort((a, b) => a - b);
  return {
    ...(startTime === undefined ? {} : { startTime }),
    ...some('active', counts.active.length),
    ready: counts.active.filter(isPodReady).length,
    ...some('succeeded', counts.succeeded),
    ...some('failed', counts.failed),
    terminating: 0,
    uncountedTerminatedPods: {},
    ...(job.spec?.completionMode === 'Indexed' && indexes.length > 0 ? { completedIndexes: ranges(indexes) } : {}),
  };
}

/** The pod for a Job; in Indexed mode it knows its index. */
export function jobPod(job: Job, index: number | undefined): Pod {
  const template = job.spec?.template ?? {};
  const base = `${job.metadata.name}-${index === undefined ? '' : `${index}-`}`;
  const pod = podFromTemplate(template, job, { generateName: base });
  if (index === undefined || pod.spec === undefined) return pod;
  pod.metadata.annotations = { ...pod.metadata.annotations, [INDEX]: String(index) };
  pod.metadata.labels = { ...pod.metadata.labels, [INDEX]: String(index) };
  pod.spec.hostname = `${job.metadata.name}-${index}`;
  const variable = { name: 'JOB_COMPLETION_INDEX', value: String(index) };
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    container.env = [...(container.env ?? []).filter((env) => env.name !== variable.name), variable];
  }
  return pod;
}

/** The condition that says a Job is over. */
export function endedAs(job: Job): Condition | undefined {
  return job.status?.conditions?.find((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True');
}

function condition(type: string, reason: string, message: string, now: number): Condition {
  const at = timestamp(now);
  return { type, status: 'True', lastProbeTime: at, lastTransitionTime: at, reason, message };
}

function deadline(job: Job, startTime: string | undefined): number | undefined {
  const seconds = job.spec?.activeDeadlineSeconds;
  return seconds === undefined || startTime === undefined ? undefined : Date.parse(startTime) + seconds * 1000;
}

function backoff(failures: number): number {
  return Math.min(BACKOFF.capMs, BACKOFF.firstMs * 2 ** (failures - 1));
}

function endOf(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((c) => Date.parse(c.state?.terminated?.finishedAt ?? '') || 0);
  return Math.max(0, ...ends);
}

function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  return text === undefined ? undefined : Number(text);
}

/** `0-2,4` */
function ranges(indexes: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const index of indexes) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else parts.push([index, index]);
  }
  return parts.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(',');
}
