import type {
  FlinkStateSnapshot,
  FlinkStateSnapshotSpec,
  ObjectMeta,
  SnapshotState,
  SnapshotTriggerType,
} from '@drey/api';
import type { JobKind } from '../resource.ts';
import type { SnapshotType } from './trigger.ts';

/** Label that says why a snapshot was taken. */
export const TRIGGER_TYPE_LABEL = 'snapshot.trigger-type';

/** The object whose job a snapshot is of. */
export interface SnapshotOwner {
  readonly kind: JobKind;
  readonly namespace: string;
  readonly name: string;
  /** Labels that its snapshots have, too. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The owner of a job's snapshots; of its labels those that the operator selects objects by. */
export function ownerOf(
  kind: JobKind,
  { name = '', namespace = '', labels = {} }: Pick<ObjectMeta, 'name' | 'namespace' | 'labels'>,
  { inheritedLabels }: { readonly inheritedLabels: readonly string[] },
): SnapshotOwner {
  const inherited = Object.entries(labels).filter(([key]) => inheritedLabels.includes(key));
  return { kind, namespace, name, labels: Object.fromEntries(inherited) };
}

/** The keys of the labels that a selector (`a=b,c in (d,e),!f`) asks for. */
export function selectedLabels(selector: string | undefined): string[] {
  const keys = (selector ?? '').split(/,(?![^(]*\))/).map((part) => /^[\w./-]+/.exec(part.trim())?.[0]);
  return keys.filter((key) => key !== undefined);
}

/** What identifies a snapshot that the operator takes for itself. */
export interface SnapshotIdentity {
  readonly type: SnapshotType;
  readonly trigger: SnapshotTriggerType;
  /** When it was decided, in epoch milliseconds: a part of the name, so that the same decision makes the same object. */
  readonly decidedAt: number;
}

/** Longest name of an object. */
const NAME_LIMIT = 253;

/** `<owner>-<savepoint|checkpoint>-<why>-<epoch milliseconds>`; the owner's part is cut where the whole would be too long. */
export function snapshotName(owner: string, { type, trigger, decidedAt }: SnapshotIdentity): string {
  const tail = `-${type.toLowerCase()}-${trigger.toLowerCase()}-${decidedAt}`;
  return owner.slice(0, NAME_LIMIT - tail.length) + tail;
}

/** What {@link snapshotName} was made from; undefined for other names. */
export function parseSnapshotName(name: string): SnapshotIdentity | undefined {
  const match = /-(savepoint|checkpoint)-(manual|periodic|upgrade)-(\d{1,16})$/.exec(name);
  if (match === null) return undefined;
  return {
    type: (match[1] ?? '').toUpperCase() as SnapshotType,
    trigger: (match[2] ?? '').toUpperCase() as SnapshotTriggerType,
    decidedAt: Number(match[3]),
  };
}

/**
 * A FlinkStateSnapshot as the Apache operator makes them for itself: without retries, without owner, with the reason as its
 * only label. `savepoint` is undefined for a checkpoint.
 */
export function newSnapshot(
  owner: SnapshotOwner,
  name: string,
  trigger: SnapshotTriggerType,
  savepoint: NonNullable<FlinkStateSnapshotSpec['savepoint']> | undefined,
): FlinkStateSnapshot {
  return {
    apiVersion: 'flink.apache.org/v1beta1',
    kind: 'FlinkStateSnapshot',
    metadata: { name, namespace: owner.namespace, labels: { ...owner.labels, [TRIGGER_TYPE_LABEL]: trigger } },
    spec: {
      backoffLimit: 0,
      jobReference: { kind: owner.kind, name: owner.name },
      ...(savepoint === undefined ? { checkpoint: {} } : { savepoint }),
    },
  };
}

/** SAVEPOINT or CHECKPOINT, by what the spec asks for. */
export function snapshotType({ spec }: Pick<FlinkStateSnapshot, 'spec'>): SnapshotType {
  return spec.savepoint === undefined || spec.savepoint === null ? 'CHECKPOINT' : 'SAVEPOINT';
}

/** True while a snapshot may still be taken. */
export function isUnfinished({ status }: { readonly status?: { readonly state?: SnapshotState | null } }): boolean {
  const state = status?.state ?? 'TRIGGER_PENDING';
  return state === 'TRIGGER_PENDING' || state === 'IN_PROGRESS';
}

/** Why a snapshot was taken; UNKNOWN without a label that says so, and for one that is none of the known words. */
export function triggerTypeOf(snapshot: Pick<FlinkStateSnapshot, 'metadata'>): SnapshotTriggerType {
  const label = snapshot.metadata.labels?.[TRIGGER_TYPE_LABEL];
  switch (label) {
    case 'MANUAL':
    case 'PERIODIC':
    case 'UPGRADE':
      return label;
    default:
      return 'UNKNOWN';
  }
}
