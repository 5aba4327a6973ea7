import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import type { FieldError } from '../model.ts';
import { type FieldSelection, parseFieldSelector } from '../selectors/field-selector.ts';
import { type LabelMatcher, parseLabelSelector } from '../selectors/label-selector.ts';
import { badRequest, expired, invalidOptions, notFound } from '../status.ts';
import type { ListScope, StoredRecord } from '../storage/index.ts';
import { type Call, namespaceOf } from './context.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { integerParameter, parseResourceVersion } from './parameters.ts';
import { respondList, respondObject } from './respond.ts';
import { waitForRevision } from './wait-for-revision.ts';

/** GET of one object. */
export async function getObject(call: Call): Promise<ApiResponse> {
  const { resource, core, info, request } = call;
  const revision = parseResourceVersion(request.query.get('resourceVersion'), 'object');
  if (revision !== undefined) await waitForRevision(call, revision);
  const record = core.store.get(resource.storageKey, namespaceOf(call), info.name ?? '');
  if (record === undefined) throw notFound(resource, info.name ?? '');
  return respondObject(call, 200, resource.decode(record.object));
}

/** Which objects of a kind a list, a watch or a deletecollection is about. */
export interface Selection {
  readonly labels: LabelMatcher | undefined;
  readonly fields: FieldSelection | undefined;
}

export function selectionOf({ request, resource }: Call): Selection {
  return {
    labels: parseLabelSelector(request.query.get('labelSelector') ?? ''),
    fields: parseFieldSelector(resource, request.query.get('fieldSelector') ?? ''),
  };
}

export function isSelected({ labels, fields }: Selection, object: AnyObject): boolean {
  return (labels?.(object.metadata.labels) ?? true) && (fields?.matches(object) ?? true);
}

interface ListQuery {
  readonly limit: number;
  readonly token: string;
  readonly resourceVersion: string;
  readonly match: string;
}

/** GET of a collection: selectors, pages, and the revision the client asks for. */
export async function listObjects(call: Call): Promise<ApiResponse> {
  const query = listQuery(call);
  const selection = selectionOf(call);
  const { revision, records } = await recordsFor(call, query);
  const selected = select(call, selection, records, query.limit);
  const more = selected.last === undefined ? {} : page(selection, selected.last, { revision, rest: selected.rest });
  return respondList(call, selected.items, { resourceVersion: String(revision), ...more });
}

function listQuery({ request }: Call): ListQuery {
  const { query } = request;
  const limit = integerParameter(query.get('limit')) ?? 0;
  integerParameter(query.get('timeoutSeconds'));
  const token = query.get('continue') ?? '';
  const resourceVersion = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const errors = listErrors({ token, resourceVersion, match }, query.get('sendInitialEvents') !== null);
  if (errors.length > 0) throw invalidOptions('ListOptions', errors);
  return { limit, token, resourceVersion, match };
}

function listErrors(
  { token, resourceVersion, match }: Omit<ListQuery, 'limit'>,
  sendInitialEvents: boolean,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const forbid = (field: string, text: string): void => {
    errors.push({ field, reason: 'FieldValueForbidden', message: `Forbidden: ${text}` });
  };
  if (match !== '') {
    if (resourceVersion === '') {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
    }
    if (token !== '') forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push({
        field: 'resourceVersionMatch',
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      });
    }
    if (match === 'Exact' && resourceVersion === '0') {
      forbid('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (sendInitialEvents) forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  return errors;
}

interface Found {
  readonly revision: number;
  readonly records: readonly StoredRecord[];
}

const TOO_OLD_LIST = 'The resourceVersion for the provided list is too old.';

const TOO_OLD_TOKEN =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

async function recordsFor(call: Call, query: ListQuery): Promise<Found> {
  if (query.token !== '') return continued(call, query);
  const { store } = call.core;
  const scope = scopeOf(call);
  const asked = parseResourceVersion(query.resourceVersion, 'list');
  if (asked !== undefined) await waitForRevision(call, asked);
  // A limit asks for a page of exactly that state, unless any newer one will do.
  const exact = query.match === 'Exact' || (query.match === '' && query.limit > 0 && asked !== undefined && asked > 0);
  if (asked === undefined || !exact) {
    return { revision: store.revision, records: store.list(call.resource.storageKey, scope) };
  }
  const found = store.listAt(call.resource.storageKey, scope, asked);
  if (found.type !== 'records') throw expired(TOO_OLD_LIST);
  return { revision: asked, records: found.records };
}

function continued(call: Call, query: ListQuery): Found {
  const { store } = call.core;
  if (query.resourceVersion !== '' && query.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const token = decodeContinue(query.token);
  const scope = { ...scopeOf(call), from: token.start };
  if (token.revision < 0) {
    return { revision: store.revision, records: store.list(call.resource.storageKey, scope) };
  }
  const found = store.listAt(call.resource.storageKey, scope, token.revision);
  if (found.type === 'records') return { revision: token.revision, records: found.records };
  throw expired(TOO_OLD_TOKEN, { continue: encodeContinue({ revision: -1, start: token.start }) });
}

export function scopeOf({ resource, info }: Call): ListScope {
  return { namespace: resource.namespaced ? info.namespace : undefined };
}

interface Selected {
  readonly items: readonly AnyObject[];
  /** The last record of this page, when there are more, and how many. */
  readonly last: StoredRecord | undefined;
  readonly rest: number;
}

function select({ resource }: Call, selection: Selection, records: readonly StoredRecord[], limit: number): Selected {
  const items: AnyObject[] = [];
  let last: StoredRecord | undefined;
  for (const [index, record] of records.entries()) {
    const object = resource.decode(record.object);
    if (!isSelected(selection, object)) continue;
    if (limit > 0 && items.length === limit) return { items, last, rest: records.length - index };
    items.push(object);
    last = record;
  }
  return { items, last: undefined, rest: 0 };
}

function page(
  { labels, fields }: Selection,
  last: StoredRecord,
  { revision, rest }: { revision: number; rest: number },
): { continue: string; remainingItemCount?: number } {
  // The next page begins right behind the last key, whatever will be there by then.
  const start = `${last.namespace === '' ? last.name : `${last.namespace}/${last.name}`}\0`;
  const token = encodeContinue({ revision, start });
  // With a selector the server would have to look at all the rest to know how many remain.
  const isPlain = labels === undefined && fields === undefined;
  return isPlain ? { continue: token, remainingItemCount: rest } : { continue: token };
}
