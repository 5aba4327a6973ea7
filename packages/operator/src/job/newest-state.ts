import type { FlinkStateSnapshot } from '@drey/api';
import type { SeenState } from '../runtime/job-pulse.ts';
import type { JobResourceStatus } from './resource.ts';
import { LAST_STATE_MARKER, recordedStatePath } from './status.ts';

/** What may tell of a job's newest state besides its status. */
export interface StateSources {
  readonly seen: SeenState | undefined;
  readonly snapshots: { readonly objects: readonly FlinkStateSnapshot[] | undefined };
}

/**
 * The newest state of the running job that anybody knows where high availability does not keep it: what was seen of it, or a
 * snapshot that was asked for later, else where it began. undefined: nobody knows any.
 */
export function newestKnownPath(status: JobResourceStatus, { seen, snapshots }: StateSources): string | undefined {
  const jobId = status.jobStatus?.jobId ?? undefined;
  const ofThisRun = seen?.process !== undefined && seen.jobId === jobId ? seen : undefined;
  const later = [...snapshotsOf(jobId, snapshots.objects ?? []), ...(ofThisRun ? lastSavepoint(status) : [])]
    .filter((one) => one.triggeredAt > (ofThisRun?.triggeredAt ?? 0))
    .sort((a, b) => b.triggeredAt - a.triggeredAt)[0];
  if (later !== undefined) return later.path;
  if (ofThisRun !== undefined) return ofThisRun.path;
  const path = recordedStatePath(status);
  return path === LAST_STATE_MARKER ? undefined : path;
}

interface TimedState {
  readonly path: string;
  readonly triggeredAt: number;
}

/** Complete snapshots of a job. One that was only taken note of says nothing about when, or of which job. */
function snapshotsOf(jobId: string | undefined, objects: readonly FlinkStateSnapshot[]): TimedState[] {
  return objects
    .filter(({ spec, status }) => {
      const isComplete = status?.state === 'COMPLETED' && spec.savepoint?.alreadyExists !== true;
      return isComplete && jobId !== undefined && status.jobId === jobId;
    })
    .map(({ status }) => ({ path: status?.path ?? '', triggeredAt: Date.parse(status?.triggerTimestamp ?? '') || 0 }))
    .filter(({ path }) => path !== '');
}

/** The savepoint that the status remembers where there are no objects for them. */
function lastSavepoint({ jobStatus }: JobResourceStatus): TimedState[] {
  const { location, timeStamp } = jobStatus?.savepointInfo?.lastSavepoint ?? {};
  if (typeof location !== 'string' || location === '') return [];
  return [{ path: location, triggeredAt: timeStamp ?? 0 }];
}

/** How Flink says that there is nothing where a job was to start from. */
const NOTHING_THERE = 'Cannot find checkpoint or savepoint';
/** How many checkpoints may have been completed after the last one that was seen. */
const NEWER_CHECKPOINTS = 3;

/**
 * The checkpoint to try next when the one that was seen last is gone, because a newer one was completed just before the
 * JobManager died. Flink numbers them, and names their folders by these numbers, so the newer one is found by its name.
 * `failure` is why the job failed; undefined: it failed for another reason, or there is nothing more to try.
 */
export function nextCheckpoint(
  failure: string | null | undefined,
  seenPath: string | undefined,
  triedPath: string | null | undefined,
): string | undefined {
  if (failure?.includes(NOTHING_THERE) !== true) return undefined;
  const seen = numbered(seenPath);
  const tried = numbered(triedPath);
  if (seen === undefined || tried === undefined || seen.folder !== tried.folder) return undefined;
  const next = tried.number + 1;
  return next > seen.number + NEWER_CHECKPOINTS ? undefined : `${tried.folder}${next}`;
}

/**
 * The checkpoint to try next when a JobManager does not come up with the one that it was given, which may be gone as with
 * {@link nextCheckpoint}; a JobManager that ends does not tell why. The newer ones come in turn, then the one that was seen
 * again. undefined: it was given something else.
 */
export function anotherCheckpoint(
  seenPath: string | undefined,
  triedPath: string | null | undefined,
): string | undefined {
  const seen = numbered(seenPath);
  const tried = numbered(triedPath);
  if (seen === undefined || tried === undefined || seen.folder !== tried.folder) return undefined;
  const next = tried.number + 1;
  return next > seen.number + NEWER_CHECKPOINTS ? seenPath : `${tried.folder}${next}`;
}

/** `…/chk-7` in its parts. */
function numbered(path: string | null | undefined): { folder: string; number: number } | undefined {
  const match = /^(.*\/chk-)(\d+)$/.exec(path ?? '');
  return match?.[1] === undefined ? undefined : { folder: match[1], number: Number(match[2]) };
}
