import type { AnyObject } from '@drey/kube';
import type { Representation } from '../negotiate.ts';
import { zeroObject } from '../schema/index.ts';
import type { Change } from '../storage/index.ts';
import type { Call } from './context.ts';
import { partialMetadata, tableOf } from './respond.ts';

/** Writes the lines of one watch stream. */
export interface EventWriter {
  event(type: Change['type'], object: AnyObject): Uint8Array;
  bookmark(revision: number, endOfInitialEvents: boolean): Uint8Array;
  /** The last line of a watch from a version that is gone. */
  expired(revision: number, oldest: number): Uint8Array;
}

export function eventWriter(call: Call, form: Representation): EventWriter {
  const shared = {
    expired: (revision: number, oldest: number) => line('ERROR', tooOld(revision, oldest)),
  };
  if (form.as === 'table') return { ...shared, ...tableEvents(call, form) };
  if (form.as === 'metadata' || form.as === 'metadata-list') {
    return {
      ...shared,
      event: (type, object) => line(type, partialMetadata(object, form)),
      bookmark: (revision, end) => line('BOOKMARK', partialMetadata(bookmarkObject(call, revision, end), form)),
    };
  }
  return {
    ...shared,
    event: (type, object) => call.core.encoder.event(type, object),
    bookmark: (revision, end) => line('BOOKMARK', bookmarkObject(call, revision, end)),
  };
}

function line(type: string, object: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

function bookmarkObject({ resource }: Call, revision: number, endOfInitialEvents: boolean): AnyObject {
  const zero = resource.crd === undefined ? zeroObject(resource.schema) : {};
  return {
    kind: resource.kind,
    apiVersion: resource.apiVersion,
    ...zero,
    metadata: {
      resourceVersion: String(revision),
      ...(endOfInitialEvents ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
    },
  };
}

/** Tables name their columns in the first event only. */
function tableEvents(call: Call, form: Representation): Pick<EventWriter, 'event' | 'bookmark'> {
  let first = true;
  const write = (type: string, object: AnyObject, rows?: 'Metadata'): Uint8Array => {
    const table = tableOf(call, form, [object], { resourceVersion: object.metadata.resourceVersion }, rows);
    if (!first) table.columnDefinitions = null;
    first = false;
    return line(type, table);
  };
  return {
    event: (type, object) => write(type, object),
    // What a bookmark says is in its row's metadata.
    bookmark: (revision, end) => write('BOOKMARK', bookmarkObject(call, revision, end), 'Metadata'),
  };
}

function tooOld(revision: number, oldest: number): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `too old resource version: ${revision} (${oldest})`,
    reason: 'Expired',
    code: 410,
  };
}
