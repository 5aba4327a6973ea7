import { expandIngressTemplate, isJsonObject } from '@drey/api';
import { clusterOptions, type FlinkConfig } from '@drey/flink';
import type { ManifestObject } from '../kubernetes/objects.ts';
import { restServiceName } from '../native/decorators/services.ts';
import { ManifestError } from './errors.ts';
import { type DeploymentInput, objectOf, textOf, viewDeployment } from './spec-view.ts';

/** The Ingress of a FlinkDeployment, undefined when its spec has none. `config` says at which port REST is served. */
export function buildIngress(deployment: DeploymentInput, config: FlinkConfig): ManifestObject | undefined {
  const { spec, name, namespace, uid, apiVersion, kind } = viewDeployment(deployment);
  const ingress = objectOf(spec.ingress);
  if (ingress === undefined) return undefined;
  const className = textOf(ingress.className);
  const annotations =
    isJsonObject(ingress.annotations) && Object.keys(ingress.annotations).length > 0
      ? { annotations: ingress.annotations }
      : {};
  const owner = { apiVersion, kind, name, uid: uid ?? '', controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace,
      labels: {
        ...(isJsonObject(ingress.labels) ? (ingress.labels as Record<string, string>) : {}),
        component: 'ingress',
      },
      ...(annotations as { annotations?: Record<string, string> }),
      ownerReferences: [owner],
    },
    spec: {
      ...(className === undefined ? {} : { ingressClassName: className }),
      ...(Array.isArray(ingress.tls) && ingress.tls.length > 0 ? { tls: ingress.tls } : {}),
      rules: [rule(textOf(ingress.template), { name, namespace }, config.get(clusterOptions.restPort))],
    },
  };
}

function rule(template: string | undefined, at: { name: string; namespace: string }, port: number): unknown {
  const target =
    template === undefined
      ? ({ ok: false, reason: 'Ingress template must be defined' } as const)
      : expandIngressTemplate(template, at.name, at.namespace);
  if (!target.ok) {
    throw new ManifestError(
      'E_SPEC_INGRESS',
      target.reason,
      'Write spec.ingress.template as host/path, for example {{name}}.example.com.',
    );
  }
  const { host, path } = target.value;
  const backend = { service: { name: restServiceName(at.name), port: { number: port } } };
  return {
    ...(host.trim() === '' ? {} : { host }),
    http: { paths: [{ ...(path === '' ? {} : { path }), pathType: 'ImplementationSpecific', backend }] },
  };
}
