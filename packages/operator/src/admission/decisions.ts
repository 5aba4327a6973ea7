import {
  type FlinkDeployment,
  jsonEqual,
  type ValidationContext,
  validateFlinkSessionJob,
  validateFlinkStateSnapshot,
} from '@drey/api';
import type { ConfigEntries, ConfigurationWarning } from '@drey/flink';
import { validationContext } from '@drey/manifests';
import { CANARY_LABEL } from '../runtime/canaries.ts';
import { operatorPolicy } from '../runtime/policy.ts';
import type { DeploymentProblem, Refusal } from '../runtime/validation.ts';
import type { ReviewedObject, ReviewRequest, Verdict } from './review.ts';

/** What admission decides by. Everything is asked for when it is needed, so that a new configuration counts at once. */
export interface AdmissionRules {
  readonly problemOf: DeploymentProblem;
  readonly warningsOf: (deployment: FlinkDeployment) => readonly ConfigurationWarning[];
  readonly context: Omit<ValidationContext, 'resolveHost'>;
}

/** The rules that follow from the operator's configuration. */
export function admissionRules(operatorConfig: ConfigEntries): AdmissionRules {
  const { problemOf, warningsOf } = operatorPolicy(operatorConfig);
  return { problemOf, warningsOf: warningsOf ?? (() => []), context: validationContext(operatorConfig) };
}

/** How admission looks at what else is in the cluster. */
export interface AdmissionLookup {
  /** undefined: there is none; `unknown`: it could not be found out. */
  find(kind: 'FlinkDeployment' | 'FlinkSessionJob', namespace: string, name: string): Promise<Found>;
  /** The addresses of a host; undefined when it has none. */
  resolveHost(host: string): Promise<readonly string[] | undefined>;
}

/** An object that was looked for. */
export type Found = ReviewedObject | undefined | 'unknown';

const ALLOWED: Verdict = {};
const SESSION_LABEL = 'target.session';

/**
 * Judges a request with the rules of the loop. Never in the way of a deletion, of a change that leaves the spec as it is (finalizers
 * have to go although a spec is wrong), and of canaries; what cannot be found out is left to the loop.
 */
export async function validateRequest(
  request: ReviewRequest,
  rules: AdmissionRules,
  lookup: AdmissionLookup,
): Promise<Verdict> {
  const { object, oldObject, operation, subResource } = request;
  if (object === undefined || subResource !== undefined) return ALLOWED;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return ALLOWED;
  if (object.metadata.deletionTimestamp !== undefined || object.metadata.labels?.[CANARY_LABEL] === 'true')
    return ALLOWED;
  if (oldObject !== undefined && jsonEqual(object.spec, oldObject.spec)) return ALLOWED;
  const placed = { ...object, metadata: { ...object.metadata, namespace: request.namespace } };
  switch (request.kind) {
    case 'FlinkDeployment':
      return judgeDeployment(placed, rules);
    case 'FlinkSessionJob':
      return { refusal: await judgeSessionJob(placed, rules, lookup) };
    case 'FlinkStateSnapshot':
      return { refusal: await judgeSnapshot(placed, lookup) };
    default:
      return ALLOWED;
  }
}

/** What is changed before an object is stored: a session job carries the name of its cluster as a label. */
export function mutateRequest({ kind, object, operation }: ReviewRequest): Verdict {
  if (kind !== 'FlinkSessionJob' || object === undefined || operation === 'DELETE') return ALLOWED;
  const labels = sessionLabels(object);
  if (labels === undefined) return ALLOWED;
  const path = object.metadata.labels === undefined ? '/metadata/labels' : `/metadata/labels/${SESSION_LABEL}`;
  const value = object.metadata.labels === undefined ? labels : labels[SESSION_LABEL];
  return { patch: [{ op: 'add', path, value }] };
}

/** The labels that a session job should have; undefined when it has them. */
export function sessionLabels({ metadata, spec }: ReviewedObject): Record<string, string> | undefined {
  const name = (spec as { readonly deploymentName?: unknown } | null | undefined)?.deploymentName;
  if (typeof name !== 'string' || metadata.labels?.[SESSION_LABEL] === name) return undefined;
  return { ...metadata.labels, [SESSION_LABEL]: name };
}

function judgeDeployment(object: ReviewedObject, rules: AdmissionRules): Verdict {
  const deployment = { ...object, spec: object.spec ?? {} } as FlinkDeployment;
  const refusal = rules.problemOf(deployment);
  const warnings = rules.warningsOf(deployment).map(({ message }) => message);
  return { refusal, warnings };
}

async function judgeSessionJob(
  object: ReviewedObject,
  rules: AdmissionRules,
  lookup: AdmissionLookup,
): Promise<Refusal | undefined> {
  const { namespace = 'default' } = object.metadata;
  const spec = (object.spec ?? {}) as {
    readonly deploymentName?: unknown;
    readonly job?: { readonly jarURI?: unknown } | null;
  };
  const name = typeof spec.deploymentName === 'string' ? spec.deploymentName : '';
  const session = name === '' ? undefined : await lookup.find('FlinkDeployment', namespace, name);
  const addresses = await addressesOf(spec.job?.jarURI, lookup);
  const context: ValidationContext = { ...rules.context, resolveHost: () => addresses };
  return validateFlinkSessionJob(object, session === 'unknown' ? undefined : session, context);
}

async function addressesOf(uri: unknown, lookup: AdmissionLookup): Promise<readonly string[] | undefined> {
  if (typeof uri !== 'string' || !URL.canParse(uri)) return undefined;
  const { hostname } = new URL(uri);
  return hostname === '' ? undefined : lookup.resolveHost(hostname);
}

async function judgeSnapshot(object: ReviewedObject, lookup: AdmissionLookup): Promise<Refusal | undefined> {
  const { namespace = 'default' } = object.metadata;
  const spec = (object.spec ?? {}) as {
    readonly jobReference?: { readonly kind?: unknown; readonly name?: unknown } | null;
  };
  const { kind, name } = spec.jobReference ?? {};
  const target =
    typeof name === 'string' && name !== '' && (kind === 'FlinkDeployment' || kind === 'FlinkSessionJob')
      ? await lookup.find(kind, namespace, name)
      : undefined;
  return validateFlinkStateSnapshot(object, target !== undefined);
}
