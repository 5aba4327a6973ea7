import type { AnyObject } from '@drey/kube';
import type { ApiResponse } from '../contract.ts';
import { type Fields, fieldsOf, listOf, numberOf, textOf } from '../registry/rules/fields.ts';
import { builtinSchema } from '../schema/index.ts';
import { type ObjectSelector, selects } from '../selectors/match-labels.ts';
import { badRequest, conflict, failure, forbidden, MODIFIED_MEANWHILE, notFound } from '../status.ts';
import type { StoredRecord } from '../storage/index.ts';
import { type Call, currentObject, timestamp } from './context.ts';
import { type BodyTarget, decodeBody } from './decode-body.ts';
import { checkPreconditions, deleteNamed } from './delete.ts';
import type { DeleteOptions } from './delete-options.ts';
import { writeOptions } from './parameters.ts';
import { respondOther } from './respond.ts';

const EVICTION: BodyTarget = {
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  apiVersion: 'policy/v1',
  schema: builtinSchema('policy', 'v1', 'Eviction') ?? { t: 'any' },
};

const BUDGETS = 'policy/poddisruptionbudgets';
const MAX_DISRUPTED_PODS = 2000;
const REFUSED = "Cannot evict pod as it would violate the pod's disruption budget.";

/** POST of an Eviction: a delete that respects the pod's disruption budget. */
export async function evictPod(call: Call): Promise<ApiResponse> {
  const { info, resource, request } = call;
  const options = writeOptions(request.query, 'CreateOptions');
  const eviction = decodeBody(call, EVICTION, options.fieldValidation);
  const name = info.name ?? '';
  if (eviction.metadata.name !== name) throw badRequest('name in URL does not match name in Eviction object');
  const pod = currentObject(call);
  if (pod === undefined) throw notFound(resource, name);
  const deleteOptions = optionsOf(fieldsOf(eviction.deleteOptions), options.dryRun);
  if (!isOverAnyway(pod)) takeFromBudget(call, pod, deleteOptions.dryRun);
  const version = deleteOptions.dryRun ? undefined : markDisrupted(call, deleteOptions);
  await deleteNamed(call, name, { ...deleteOptions, resourceVersion: version });
  return respondOther(call, 201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
}

/** Says in the pod's status why it goes. Returns the version that the delete is about, if the client named one. */
function markDisrupted(call: Call, options: DeleteOptions): string | undefined {
  const { core, info, resource } = call;
  const record = core.store.get(resource.storageKey, info.namespace ?? '', info.name ?? '');
  if (record === undefined) throw notFound(resource, info.name ?? '');
  checkPreconditions(call, record.object, options);
  const status = fieldsOf(record.object.status);
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp(core.clock),
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  const others = listOf(status.conditions).filter(({ type }) => type !== condition.type);
  const pod = { ...record.object, status: { ...status, conditions: [...others, condition] } };
  const written = core.store.write(resource.storageKey, pod, record);
  if (written === 'conflict') throw conflict(resource, record.name, MODIFIED_MEANWHILE);
  return options.resourceVersion === undefined ? undefined : String(written.revision);
}

function optionsOf(fields: Fields, dryRun: boolean): DeleteOptions {
  const { uid, resourceVersion } = fieldsOf(fields.preconditions);
  const policy = textOf(fields.propagationPolicy);
  return {
    gracePeriodSeconds: numberOf(fields.gracePeriodSeconds),
    propagation: policy === 'Foreground' || policy === 'Background' || policy === 'Orphan' ? policy : undefined,
    orphanDependents: undefined,
    uid: textOf(uid) || undefined,
    resourceVersion: textOf(resourceVersion) || undefined,
    dryRun: dryRun || (Array.isArray(fields.dryRun) && fields.dryRun.length > 0),
  };
}

/** Pods that do not run are nobody's availability. */
function isOverAnyway(pod: AnyObject): boolean {
  const phase = textOf(fieldsOf(pod.status).phase);
  return ['Succeeded', 'Failed', 'Pending'].includes(phase) || pod.metadata.deletionTimestamp !== undefined;
}

function takeFromBudget({ core }: Call, pod: AnyObject, dryRun: boolean): void {
  const { namespace = '', labels = {}, name = '' } = pod.metadata;
  const budgets = core.store
    .list(BUDGETS, { namespace })
    .filter(({ object }) => selects(fieldsOf(object.spec).selector as ObjectSelector | undefined, labels));
  if (budgets.length > 1) {
    throw failure({
      code: 500,
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    });
  }
  const [budget] = budgets;
  if (budget === undefined || isFreeToGo(pod, budget.object)) return;
  checkBudget(budget);
  if (dryRun) return;
  const status = fieldsOf(budget.object.status);
  const disruptedPods = { ...fieldsOf(status.disruptedPods), [name]: timestamp(core.clock) };
  const disruptionsAllowed = (numberOf(status.disruptionsAllowed) ?? 0) - 1;
  core.store.write(BUDGETS, { ...budget.object, status: { ...status, disruptionsAllowed, disruptedPods } }, budget);
}

/** A pod that is not ready takes nothing away, where the budget says so or is met without it. */
function isFreeToGo(pod: AnyObject, budget: AnyObject): boolean {
  const conditions = listOf(fieldsOf(pod.status).conditions);
  if (conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return false;
  const { currentHealthy, desiredHealthy } = fieldsOf(budget.status);
  const desired = numberOf(desiredHealthy) ?? 0;
  const isMet = (numberOf(currentHealthy) ?? 0) >= desired && desired > 0;
  return fieldsOf(budget.spec).unhealthyPodEvictionPolicy === 'AlwaysAllow' || isMet;
}

function checkBudget({ object, name }: StoredRecord): void {
  const status = fieldsOf(object.status);
  const allowed = numberOf(status.disruptionsAllowed) ?? 0;
  const definition = { group: 'policy', plural: 'poddisruptionbudget' };
  if ((numberOf(status.observedGeneration) ?? 0) < (object.metadata.generation ?? 0)) {
    throw tooManyRequests(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (allowed < 0) throw forbidden(definition, name, 'pdb disruptions allowed is negative');
  if (Object.keys(fieldsOf(status.disruptedPods)).length > MAX_DISRUPTED_PODS) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw forbidden(definition, name, why);
  }
  if (allowed === 0) {
    const desired = numberOf(status.desiredHealthy) ?? 0;
    const current = numberOf(status.currentHealthy) ?? 0;
    throw tooManyRequests(
      `The disruption budget ${name} needs ${desired} healthy pods and has ${current} currently`,
      0,
    );
  }
}

function tooManyRequests(cause: string, retryAfterSeconds: number): Error {
  const retry = retryAfterSeconds === 0 ? {} : { retryAfterSeconds };
  const details = { causes: [{ reason: 'DisruptionBudget', message: cause }], ...retry };
  const headers: Record<string, string> = retryAfterSeconds === 0 ? {} : { 'retry-after': String(retryAfterSeconds) };
  return failure({ code: 429, reason: 'TooManyRequests', message: REFUSED, details }, headers);
}
