import { validateFlinkDeployment } from '@drey/api';
import { type ConfigEntries, operatorOptions } from '@drey/flink';
import {
  buildDeploymentObjects,
  type DeploymentInput,
  type ManifestObject,
  validationContext,
  withOwner,
} from '@drey/manifests';
import { CliError } from '../errors.ts';
import type { YamlDocument } from './yaml-documents.ts';

/** Stands for ids that only a cluster or a deployment gives. */
const UNKNOWN_UID = '00000000-0000-0000-0000-000000000000';
const UNKNOWN_JOB_ID = '0'.repeat(32);

/** The objects that the operator would create for the FlinkDeployments among some documents, in creation order. */
export function renderDocuments(
  documents: readonly YamlDocument[],
  operatorConfig: ConfigEntries,
  name: string,
): ManifestObject[] {
  const deployments = documents.flatMap(itemsOf).filter(({ value }) => isDeployment(value));
  if (deployments.length === 0) {
    throw new CliError(
      'E_RENDER_NOTHING',
      `${name} holds no FlinkDeployment`,
      'Name a file with kind: FlinkDeployment; other kinds make no objects of their own.',
      'invalid',
    );
  }
  return deployments.flatMap(({ value, line }) =>
    renderDeployment(value as DeploymentInput, operatorConfig, `${name}:${line}`),
  );
}

function renderDeployment(input: DeploymentInput, operatorConfig: ConfigEntries, where: string): ManifestObject[] {
  const spec = (input.spec ?? {}) as { job?: { state?: string; initialSavepointPath?: string } | null };
  // A deployment that is suspended from the start creates nothing until it is resumed.
  if (spec.job?.state === 'suspended') return [];
  const { metadata = {} } = input;
  const refused = validateFlinkDeployment({ ...input, metadata }, validationContext(operatorConfig));
  if (refused) throw new CliError(refused.code, `${where}: ${refused.message}`, refused.nextStep, 'invalid');
  const deployment = { ...input, metadata: { uid: UNKNOWN_UID, generation: 1, namespace: 'default', ...metadata } };
  const savepointPath = spec.job?.initialSavepointPath;
  const built = buildDeploymentObjects({
    deployment,
    operatorConfig,
    decision: {
      jobId: UNKNOWN_JOB_ID,
      resultStoreId: UNKNOWN_UID,
      ...(savepointPath ? { savepointPath } : {}),
    },
  });
  const managed = built.config.get(operatorOptions.ingressManage);
  return withOwner(managed ? built : { ...built, ingress: undefined }, UNKNOWN_UID);
}

/** The items of a List are documents of their own. */
function itemsOf(document: YamlDocument): readonly YamlDocument[] {
  const { kind, items } = document.value as { readonly kind?: unknown; readonly items?: unknown };
  if (kind !== 'List' || !Array.isArray(items)) return [document];
  return items.map((value) => ({ value, line: document.line }));
}

function isDeployment(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'FlinkDeployment';
}
