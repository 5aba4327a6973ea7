import type { AnyObject } from '@drey/kube';
import type { ObjectReader } from '../../model.ts';
import type { ObjectSelector } from '../../selectors/match-labels.ts';

/** A webhook of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration, with the defaults filled in. */
export interface Webhook {
  readonly name: string;
  readonly clientConfig: ClientConfig;
  readonly rules: readonly WebhookRule[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly namespaceSelector: ObjectSelector;
  readonly objectSelector: ObjectSelector;
  readonly matchConditions: readonly { readonly name: string; readonly expression: string }[];
}

export interface ClientConfig {
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    readonly path?: string;
    readonly port?: number;
  };
  /** PEM in base64. */
  readonly caBundle?: string;
}

export interface WebhookRule {
  readonly operations: readonly string[];
  readonly apiGroups: readonly string[];
  readonly apiVersions: readonly string[];
  readonly resources: readonly string[];
  readonly scope: string;
}

const GROUP = 'admissionregistration.k8s.io';
const DEFAULT_TIMEOUT_SECONDS = 10;

/** All webhooks of one kind, configurations by name, as the real server orders them. */
export function webhooksOf(objects: ObjectReader, kind: 'mutating' | 'validating'): readonly Webhook[] {
  return [...objects.list(GROUP, `${kind}webhookconfigurations`, undefined)]
    .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
    .flatMap((configuration) => ((configuration.webhooks ?? []) as readonly StoredWebhook[]).map(withDefaults));
}

type StoredWebhook = Partial<Omit<Webhook, 'rules'>> &
  Pick<Webhook, 'name' | 'clientConfig'> & { readonly rules?: readonly Partial<WebhookRule>[] };

function withDefaults(stored: StoredWebhook): Webhook {
  return {
    name: stored.name,
    clientConfig: stored.clientConfig,
    rules: (stored.rules ?? []).map((rule) => ({
      operations: rule.operations ?? [],
      apiGroups: rule.apiGroups ?? [],
      apiVersions: rule.apiVersions ?? [],
      resources: rule.resources ?? [],
      scope: rule.scope ?? '*',
    })),
    failurePolicy: stored.failurePolicy ?? 'Fail',
    sideEffects: stored.sideEffects ?? 'Unknown',
    timeoutSeconds: stored.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    namespaceSelector: stored.namespaceSelector ?? {},
    objectSelector: stored.objectSelector ?? {},
    matchConditions: stored.matchConditions ?? [],
  };
}

export function isEmptySelector(selector: ObjectSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

export function labelsOf(object: AnyObject | undefined): Readonly<Record<string, string>> {
  return object?.metadata.labels ?? {};
}
