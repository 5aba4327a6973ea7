import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import { recordUpdate } from '../ssa/index.ts';
import { badRequest } from '../status.ts';
import type { Call } from './context.ts';
import { checkRequestNamespace } from './create.ts';
import { decodeBody } from './decode-body.ts';
import { IN_REQUEST, withoutDuplicateOwners } from './owner-duplicates.ts';
import { ownership } from './ownership.ts';
import { managerOf, writeOptions } from './parameters.ts';
import { respondObject } from './respond.ts';
import { writeStored } from './write-stored.ts';

/** PUT of an object, or of one of its subresources that have the object's own form. */
export async function updateObject(call: Call): Promise<ApiResponse> {
  const { resource, request } = call;
  const options = writeOptions(request.query, 'UpdateOptions');
  const decoded = decodeBody(call, resource, options.fieldValidation);
  resource.strategy.applyDefaults(decoded);
  const body = withoutDuplicateOwners(call, decoded, IN_REQUEST);
  checkRequestNamespace(call, body);
  checkRequestName(call, body);
  const owner = ownership(call, managerOf(options, request.headers['user-agent']));
  const { object, created } = await writeStored(call, {
    options,
    optionsKind: 'UpdateOptions',
    wanted: (old) => recordUpdate({ ...owner, old, object: body }),
    creates: call.subresource === undefined && resource.createsOnUpdate,
    uidIsPrecondition: true,
  });
  return respondObject(call, created ? 201 : 200, object);
}

/** The name in the object, where there is one, has to be that of the path. */
export function checkRequestName({ info }: Call, object: AnyObject): void {
  const name = object.metadata.name ?? '';
  const expected = info.name ?? '';
  if (name === expected) return;
  if (name === '')
    throw badRequest(`the name of the object (${expected} based on URL) was undeterminable: name must be provided`);
  throw badRequest(`the name of the object (${name}) does not match the name on the URL (${expected})`);
}
