import type { AdmissionRequest, ObjectReader } from '../../model.ts';
import { selects } from '../../selectors/match-labels.ts';
import { evaluateConditions } from './conditions.ts';
import { isEmptySelector, labelsOf, type Webhook, type WebhookRule } from './configuration.ts';

/** `error`: a condition could not be evaluated, so the failure policy decides. */
export type Match =
  | { readonly type: 'yes' }
  | { readonly type: 'no' }
  | { readonly type: 'error'; readonly why: string };

/** Whether a webhook wants a request: rules, selectors, then its CEL conditions. */
export function matchWebhook(webhook: Webhook, request: AdmissionRequest, objects: ObjectReader): Match {
  const wanted =
    webhook.rules.some((rule) => ruleMatches(rule, request)) &&
    objectMatches(webhook, request) &&
    namespaceMatches(webhook, request, objects);
  return wanted ? evaluateConditions(webhook, request) : { type: 'no' };
}

function ruleMatches(rule: WebhookRule, { operation, definition, subresource, namespace }: AdmissionRequest): boolean {
  const any = (values: readonly string[], value: string): boolean => values.includes('*') || values.includes(value);
  const scope = namespace === undefined ? 'Cluster' : 'Namespaced';
  return (
    any(rule.operations, operation) &&
    any(rule.apiGroups, definition.group) &&
    any(rule.apiVersions, definition.version) &&
    (rule.scope === '*' || rule.scope === scope) &&
    rule.resources.some((resource) => resourceMatches(resource, definition.plural, subresource))
  );
}

/** `pods`, `pods/log`, `pods/*`, `*` (no subresources), star-slash-`scale`, or everything. */
function resourceMatches(pattern: string, plural: string, subresource: string | undefined): boolean {
  const [resource, sub] = pattern.split('/', 2);
  if (resource !== '*' && resource !== plural) return false;
  return sub === '*' || sub === subresource;
}

function objectMatches({ objectSelector }: Webhook, { object, oldObject }: AdmissionRequest): boolean {
  if (isEmptySelector(objectSelector)) return true;
  return [object, oldObject].some((each) => each !== undefined && selects(objectSelector, labelsOf(each)));
}

/** Namespaces are judged by their own labels; other cluster-scoped objects always match. */
function namespaceMatches(
  { namespaceSelector }: Webhook,
  { definition, namespace, object, oldObject, name }: AdmissionRequest,
  objects: ObjectReader,
): boolean {
  if (isEmptySelector(namespaceSelector)) return true;
  if (definition.group === '' && definition.plural === 'namespaces') {
    const own = object ?? oldObject ?? objects.get('', 'namespaces', undefined, name);
    return selects(namespaceSelector, labelsOf(own));
  }
  if (namespace === undefined) return true;
  return selects(namespaceSelector, labelsOf(objects.get('', 'namespaces', undefined, namespace)));
}
