import Type, { type Static } from 'typebox';
import { list, object, optional, text, textMap } from './fields.ts';

/** A Kubernetes quantity as users write it: a number or a text such as `500m` or `2Gi`. */
export type Quantity = string | number;

const quantity = (description: string) =>
  Type.Unsafe<Quantity>({
    description,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
  });

const quantities = (description: string) =>
  Type.Unsafe<Record<string, Quantity>>({
    type: 'object',
    description,
    additionalProperties: quantity('A quantity, for example 2, 500m or 4Gi.'),
  });

/** Requests and limits of a container in Kubernetes' own form. */
export const resourceRequirements = (description: string) =>
  object(description, {
    requests: optional(quantities('What the scheduler reserves.')),
    limits: optional(quantities('What the container may use at most.')),
    claims: optional(
      list(
        object('One claim.', {
          name: optional(text('Name of an entry in the pod’s resourceClaims.')),
          request: optional(text('One request of that claim; empty means all.')),
        }),
        'Resource claims of the pod that the container uses.',
      ),
    ),
  });

/** Requests and limits of a container. */
export type ResourceRequirements = Static<ReturnType<typeof resourceRequirements>>;

/**
 * A pod, as a template. Everything Kubernetes knows in a pod is allowed and kept; Drey reads `metadata` and `spec` only.
 */
export interface PodTemplate {
  apiVersion?: string | null;
  kind?: string | null;
  metadata?: Record<string, unknown> | null;
  spec?: Record<string, unknown> | null;
  [member: string]: unknown;
}

/**
 * Schema of a pod template. It keeps every member, known or not: which fields a pod has is decided by the cluster that
 * runs it, not by the version of this schema.
 */
export const podTemplate = (description: string) =>
  Type.Unsafe<PodTemplate>({
    type: 'object',
    description,
    'x-kubernetes-preserve-unknown-fields': true,
    properties: {
      apiVersion: { type: 'string', description: 'v1; not used.' },
      kind: { type: 'string', description: 'Pod; not used.' },
      metadata: {
        type: 'object',
        description: 'Labels and annotations to put on the pods.',
        'x-kubernetes-preserve-unknown-fields': true,
      },
      spec: {
        type: 'object',
        description: 'Pod spec. The container named flink-main-container is the one that Flink runs in.',
        'x-kubernetes-preserve-unknown-fields': true,
      },
    },
  });

/** One TLS entry of an Ingress. */
const ingressTls = object('One TLS entry.', {
  hosts: optional(list(text('A host name.'), 'Hosts that the certificate is for.')),
  secretName: optional(text('Secret with the certificate.')),
});

/** The ingress settings shared by FlinkDeployment and FlinkBlueGreenDeployment. */
export const ingressSpec = (description: string) =>
  object(description, {
    template: optional(
      text('Where the REST endpoint is reachable: host and path. {{name}} and {{namespace}} are filled in.'),
    ),
    className: optional(text('Ingress class.')),
    annotations: optional(textMap('Annotations of the Ingress.')),
    labels: optional(textMap('Labels of the Ingress.')),
    tls: optional(list(ingressTls, 'TLS of the Ingress.')),
  });

/** The ingress settings. */
export type IngressSpec = Static<ReturnType<typeof ingressSpec>>;

/** One condition in the form that Kubernetes tools know. */
export const condition = object('What is currently true of the object.', {
  type: text('Name of the condition.'),
  status: Type.Unsafe<'True' | 'False' | 'Unknown'>({
    type: 'string',
    enum: ['True', 'False', 'Unknown'],
    description: 'Whether it holds.',
  }),
  reason: optional(text('One word for why.')),
  message: optional(text('A sentence for people, with the next step where there is one.')),
  observedGeneration: optional(Type.Integer({ format: 'int64', description: 'Generation of the spec it speaks of.' })),
  lastTransitionTime: optional(text('When the status last changed, RFC 3339.')),
  lastUpdateTime: optional(text('When the condition was last written, RFC 3339.')),
});

/** One condition of an object. */
export type Condition = Static<typeof condition>;
