import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import { fieldsOf, listOf, numberOf, textOf, textsOf } from '../registry/rules/fields.ts';
import { builtinSchema } from '../schema/index.ts';
import { cloneJson } from '../schema/json.ts';
import { type ReplicasPaths, recordUpdate, scaleOwners, scaleOwnersToParent } from '../ssa/index.ts';
import { badRequest, invalid, notFound } from '../status.ts';
import { invalidValue } from '../validation/field-errors.ts';
import { type Call, currentObject, timestamp } from './context.ts';
import { checkRequestNamespace } from './create.ts';
import { type BodyTarget, decodeBody } from './decode-body.ts';
import { managerOf, type WriteOptions, writeOptions } from './parameters.ts';
import { APPLY, patchTypeOf, subresourcePatch } from './patch.ts';
import { respondOther } from './respond.ts';
import { checkRequestName } from './update.ts';
import { writeStored } from './write-stored.ts';

const SCALE: BodyTarget = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  apiVersion: 'autoscaling/v1',
  schema: builtinSchema('autoscaling', 'v1', 'Scale') ?? { t: 'any' },
};

/** The `scale` subresource: the replicas of an object as an autoscaling/v1 Scale. */
export async function handleScale(call: Call): Promise<ApiResponse> {
  const { resource, info } = call;
  if (info.verb === 'get') {
    const parent = currentObject(call);
    if (parent === undefined) throw notFound(resource, info.name ?? '');
    return respondOther(call, 200, scaleOf(call, parent));
  }
  return info.verb === 'update' ? updateScale(call) : patchScale(call);
}

async function updateScale(call: Call): Promise<ApiResponse> {
  const options = writeOptions(call.request.query, 'UpdateOptions');
  const body = decodeBody(call, SCALE, options.fieldValidation);
  checkRequestNamespace(call, body);
  checkRequestName(call, body);
  return write(call, { options, optionsKind: 'UpdateOptions' }, () => body);
}

async function patchScale(call: Call): Promise<ApiResponse> {
  const type = patchTypeOf(call);
  const options = writeOptions(call.request.query, 'PatchOptions', type === APPLY ? 'apply' : 'patch');
  const patch = subresourcePatch(call, SCALE, type, options);
  return write(call, { options, optionsKind: 'PatchOptions' }, (scale) => {
    const next = patch(scale);
    checkRequestName(call, next);
    return next;
  });
}

async function write(
  call: Call,
  form: { readonly options: WriteOptions; readonly optionsKind: string },
  wanted: (scale: AnyObject) => AnyObject,
): Promise<ApiResponse> {
  const { object } = await writeStored(call, {
    ...form,
    creates: false,
    uidIsPrecondition: false,
    wanted: (parent) => {
      if (parent === undefined) throw new Error('a scale of nothing');
      return scaled(call, parent, wanted, form.options);
    },
  });
  return respondOther(call, 200, scaleOf(call, object));
}

/** The parent with the replicas that the client wants, and with what that means for field ownership. */
function scaled(
  call: Call,
  parent: AnyObject,
  wanted: (scale: AnyObject) => AnyObject,
  options: WriteOptions,
): AnyObject {
  const { resource, core, request } = call;
  const paths = replicasPaths(call);
  const old = scaleOf(call, parent);
  const owners = [...scaleOwners(parent.metadata.managedFields, paths)];
  if (owners.length > 0) old.metadata.managedFields = owners;
  const asked = wanted(old);
  checkReplicas(call, asked);
  const isApply =
    asked !== old &&
    asked.metadata.managedFields?.some(
      (entry) => entry.operation === 'Apply' && entry.manager === options.fieldManager,
    );
  const scale = isApply
    ? asked
    : recordUpdate({
        manager: managerOf(options, request.headers['user-agent']),
        apiVersion: SCALE.apiVersion,
        subresource: 'scale',
        time: timestamp(core.clock),
        schema: SCALE.schema,
        old,
        object: asked,
      });
  const next = cloneJson(parent);
  setPath(next, replicasPath(call), fieldsOf(asked.spec).replicas ?? 0);
  const entries = scaleOwnersToParent(
    parent.metadata.managedFields,
    scale.metadata.managedFields,
    resource.apiVersion,
    paths,
  );
  if (entries.length > 0) next.metadata.managedFields = [...entries];
  else delete next.metadata.managedFields;
  const version = asked.metadata.resourceVersion ?? '';
  if (version === '') {
    if (!resource.needsResourceVersion) delete next.metadata.resourceVersion;
  } else next.metadata.resourceVersion = version;
  return next;
}

function checkReplicas({ resource, info }: Call, scale: AnyObject): void {
  const replicas = numberOf(fieldsOf(scale.spec).replicas) ?? 0;
  if (replicas >= 0) return;
  const name = info.name ?? '';
  if (resource.crd === undefined) {
    const error = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw invalid('autoscaling', 'Scale', name, [error]);
  }
  const field = resource.crd.scale?.specReplicasPath ?? '.spec.replicas';
  const error = invalidValue(field, replicas, 'should be a non-negative integer');
  throw invalid(resource.group, resource.kind, name, [error]);
}

function replicasPath({ resource }: Call): readonly string[] {
  return splitPath(resource.crd?.scale?.specReplicasPath ?? '.spec.replicas');
}

function replicasPaths(call: Call): ReplicasPaths {
  const { resource, core } = call;
  const versions = core.registry
    .all()
    .filter((other) => other.group === resource.group && other.kind === resource.kind);
  return Object.fromEntries(
    versions.map((other) => [other.apiVersion, splitPath(other.crd?.scale?.specReplicasPath ?? '.spec.replicas')]),
  );
}

function scaleOf({ resource }: Call, parent: AnyObject): AnyObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = parent.metadata;
  const paths = resource.crd?.scale;
  const status = splitPath(paths?.statusReplicasPath ?? '.status.replicas');
  const selector =
    resource.crd === undefined
      ? selectorText(fieldsOf(parent.spec).selector)
      : textOf(at(parent, paths?.labelSelectorPath));
  const replicas = paths?.specReplicasPath ?? '.spec.replicas';
  const metadata = { name, namespace, uid, resourceVersion, creationTimestamp };
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: JSON.parse(JSON.stringify(metadata)) as AnyObject['metadata'],
    spec: nonZero({ replicas: numberOf(at(parent, replicas)) ?? 0 }),
    status: {
      replicas: numberOf(at(parent, `.${status.join('.')}`)) ?? 0,
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/** The field is left out when it is zero. */
function nonZero(spec: { replicas: number }): Record<string, unknown> {
  return spec.replicas === 0 ? {} : spec;
}

function splitPath(path: string): readonly string[] {
  return path.replace(/^\./, '').split('.');
}

function at(object: AnyObject, path: string | undefined): unknown {
  if (path === undefined || path === '') return undefined;
  return splitPath(path).reduce<unknown>((value, part) => fieldsOf(value)[part], object);
}

function setPath(object: AnyObject, path: readonly string[], value: unknown): void {
  let owner: Record<string, unknown> = object;
  for (const part of path.slice(0, -1)) {
    const next = owner[part];
    if (typeof next !== 'object' || next === null) {
      owner[part] = {};
    }
    owner = fieldsOf(owner[part]);
  }
  const last = path.at(-1);
  if (last === undefined) throw badRequest('the path of the replicas is empty');
  owner[last] = value;
}

/** A label selector in the form of query parameters: `app=web,tier in (a,b)`. */
export function selectorText(selector: unknown): string {
  const fields = fieldsOf(selector);
  const isPlain = Object.values(fields).every((value) => typeof value === 'string');
  const equal = isPlain ? fields : fieldsOf(fields.matchLabels);
  const terms = Object.entries(equal).map(([key, value]) => ({ key, text: `${key}=${textOf(value)}` }));
  for (const expression of listOf(fields.matchExpressions)) {
    const key = textOf(expression.key);
    const values = textsOf(expression.values).sort().join(',');
    const texts: Record<string, string> = {
      In: `${key} in (${values})`,
      NotIn: `${key} notin (${values})`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    terms.push({ key, text: texts[textOf(expression.operator)] ?? key });
  }
  return terms
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ text }) => text)
    .join(',');
}
