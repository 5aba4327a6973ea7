import type { ApiResponse } from '../contract.ts';
import { methodNotAllowed, resourceUnknown } from '../status.ts';
import type { Call } from './context.ts';
import { createObject } from './create.ts';
import { deleteCollection, deleteObject } from './delete.ts';
import { getObject, listObjects } from './list.ts';
import { patchObject } from './patch.ts';
import { updateObject } from './update.ts';
import { watchObjects } from './watch.ts';

/** Answers an authorized request on a served resource. Throws StatusError. */
export async function handleResource(call: Call): Promise<ApiResponse> {
  const { info, resource } = call;
  if (info.subresource !== undefined) throw resourceUnknown();
  if (!resource.verbs.includes(info.verb)) throw methodNotAllowed();
  switch (info.verb) {
    case 'get':
      return getObject(call);
    case 'list':
      return listObjects(call);
    case 'watch':
      return watchObjects(call);
    case 'create':
      return createObject(call);
    case 'delete':
      return deleteObject(call);
    case 'deletecollection':
      return deleteCollection(call);
    case 'update':
      return updateObject(call);
    case 'patch':
      return patchObject(call);
  }
}
