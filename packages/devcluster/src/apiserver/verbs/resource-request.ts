import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import type { VirtualHandler } from '../model.ts';
import { apiVersionOf } from '../registry/served.ts';
import { builtinSchema } from '../schema/index.ts';
import { recordUpdate } from '../ssa/index.ts';
import { methodNotAllowed, notFound, resourceUnknown } from '../status.ts';
import { bindPod } from './binding.ts';
import type { Call } from './context.ts';
import { checkRequestNamespace, createObject } from './create.ts';
import { type BodyTarget, decodeBody } from './decode-body.ts';
import { deleteCollection, deleteObject } from './delete.ts';
import { evictPod } from './eviction.ts';
import { getObject, listObjects } from './list.ts';
import { ownership } from './ownership.ts';
import { managerOf, writeOptions } from './parameters.ts';
import { patchObject } from './patch.ts';
import { respondOther } from './respond.ts';
import { handleScale } from './scale.ts';
import { updateObject } from './update.ts';
import { watchObjects } from './watch.ts';

/** Answers an authorized request on a served resource. Throws StatusError. */
export async function handleResource(call: Call): Promise<ApiResponse> {
  const { info, resource, subresource, core } = call;
  if (info.subresource !== undefined && subresource === undefined) {
    throw resource.crd === undefined ? resourceUnknown() : notFound(resource, info.name ?? '');
  }
  // A cluster-scoped kind is not found below a namespace.
  if (!resource.namespaced && info.namespace !== undefined && resource.storageKey !== '/namespaces')
    throw resourceUnknown();
  if (resource.deprecation !== undefined) call.warnings.push(resource.deprecation);
  const verbs = subresource?.verbs ?? resource.verbs;
  if (!verbs.includes(info.verb)) throw methodNotAllowed();
  // POST goes to collections, everything that changes one object to that object.
  if (subresource === undefined && (info.verb === 'create') !== (info.name === undefined) && isSingle(call)) {
    throw methodNotAllowed();
  }
  const connect = core.virtual?.connect(resource.group, resource.plural, subresource?.name);
  if (connect !== undefined) return connect({ request: call.request, info });
  const virtual = core.virtual?.create(resource.group, resource.plural, subresource?.name);
  if (virtual !== undefined) return createVirtual(call, virtual);
  return subresource === undefined ? handleMain(call) : handleSubresource(call);
}

function isSingle({ info }: Call): boolean {
  return info.verb === 'create' || info.verb === 'update' || info.verb === 'patch';
}

async function handleMain(call: Call): Promise<ApiResponse> {
  const { info, resource } = call;
  switch (info.verb) {
    case 'get':
      return getObject(call);
    case 'list':
      return listObjects(call);
    case 'watch':
      return watchObjects(call);
    case 'create':
      if (resource.namespaced && info.namespace === undefined) throw methodNotAllowed();
      return resource.storageKey === '/bindings' ? bindPod(call) : createObject(call);
    case 'update':
      return updateObject(call);
    case 'patch':
      return patchObject(call);
    case 'delete':
      return deleteObject(call);
    case 'deletecollection':
      // Never across namespaces.
      if (resource.namespaced && info.namespace === undefined) throw methodNotAllowed();
      return deleteCollection(call);
  }
}

async function handleSubresource(call: Call): Promise<ApiResponse> {
  const { info, resource, subresource } = call;
  switch (subresource?.name) {
    case 'scale':
      return handleScale(call);
    case 'binding':
      return bindPod(call);
    case 'eviction':
      return evictPod(call);
    default:
      // The others have the form of the object itself: status, finalize, approval, ephemeralcontainers, resize.
      if (subresource?.kind !== resource.kind) throw resourceUnknown();
      if (info.verb === 'get') return getObject(call);
      return info.verb === 'patch' ? patchObject(call) : updateObject(call);
  }
}

/** Creates that store nothing. */
async function createVirtual(call: Call, handler: VirtualHandler): Promise<ApiResponse> {
  const { resource, subresource, request, info } = call;
  const options = writeOptions(request.query, 'CreateOptions');
  const target = targetOf(call);
  const object = decodeBody(call, target, options.fieldValidation);
  if (subresource === undefined) resource.strategy.applyDefaults(object);
  checkRequestNamespace(call, object);
  const owner = ownership(call, managerOf(options, request.headers['user-agent']));
  const owned: AnyObject = recordUpdate({
    ...owner,
    apiVersion: target.apiVersion,
    schema: target.schema,
    old: undefined,
    object,
  });
  return respondOther(call, 201, await handler(owned, { request, info }));
}

function targetOf({ resource, subresource }: Call): BodyTarget {
  if (subresource === undefined) return resource;
  const { kind, group = resource.group, version = resource.version } = subresource;
  return {
    group,
    version,
    kind,
    apiVersion: apiVersionOf(group, version),
    schema: builtinSchema(group, version, kind) ?? { t: 'any' },
  };
}
