import type { Answer } from '@drey/flink';
import { snapshotType } from '../job/snapshots/snapshot-object.ts';
import type { SnapshotWorld } from './world.ts';

/** How far a snapshot has come that Flink was asked for. */
export type SnapshotProgress =
  | { readonly kind: 'in-progress' }
  /** `path` is empty for a checkpoint that Flink no longer tells the place of. */
  | { readonly kind: 'completed'; readonly path: string }
  /** The checkpoint is complete, but Flink's history does not list it. */
  | { readonly kind: 'not-listed' }
  | { readonly kind: 'failed'; readonly message: string }
  /** Flink answers that it knows no such request. */
  | { readonly kind: 'forgotten' }
  /** Nothing can be concluded. */
  | { readonly kind: 'unknown'; readonly message: string };

/** What Flink's answers of this pass say. */
export function progressOf({ snapshot, flink }: Pick<SnapshotWorld, 'snapshot' | 'flink'>): SnapshotProgress {
  if (snapshotType(snapshot) === 'SAVEPOINT') {
    const told = plainly(flink.savepoint);
    if (told.kind !== 'ok') return told;
    return told.value.kind === 'completed'
      ? { kind: 'completed', path: told.value.location }
      : told.value.kind === 'failed'
        ? { kind: 'failed', message: told.value.failure.message }
        : { kind: 'in-progress' };
  }
  const told = plainly(flink.checkpoint);
  if (told.kind !== 'ok') return told;
  if (told.value.kind === 'failed') return { kind: 'failed', message: told.value.failure.message };
  return told.value.kind === 'in-progress' ? { kind: 'in-progress' } : placeOf(flink.place);
}

/** The checkpoint is complete; only where it lies may be lost, which is no reason to take another one. */
function placeOf(answer: SnapshotWorld['flink']['place']): SnapshotProgress {
  const told = plainly(answer);
  if (told.kind === 'forgotten') return { kind: 'not-listed' };
  if (told.kind !== 'ok') return told;
  if (told.value.kind === 'in-progress') return { kind: 'in-progress' };
  return { kind: 'completed', path: told.value.kind === 'completed' ? (told.value.path ?? '') : '' };
}

function plainly<T>(answer: Answer<T> | undefined) {
  if (answer === undefined) return { kind: 'unknown', message: 'its cluster cannot be asked at the moment' } as const;
  switch (answer.kind) {
    case 'ok':
      return { kind: 'ok', value: answer.value } as const;
    case 'not-found':
      return { kind: 'forgotten' } as const;
    default:
      return { kind: 'unknown', message: answer.message } as const;
  }
}
