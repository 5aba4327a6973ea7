import type { AnyObject, Random } from '@drey/kube';
import type { AdmissionRequest, ObjectReader } from '../../model.ts';
import { badRequest, failure, internalError } from '../../status.ts';
import { generateUid } from '../../verbs/identity.ts';
import type { AdmissionPlugin } from '../chain.ts';
import type { WebhookCaller } from './caller.ts';
import { type Webhook, webhooksOf } from './configuration.ts';
import { matchWebhook } from './matching.ts';
import { patched, readVerdict, reviewRequest, type Verdict } from './review.ts';

export interface WebhookOptions {
  readonly objects: ObjectReader;
  readonly call: WebhookCaller;
  readonly random: Random;
}

/** Webhooks that change objects: one after the other, each seeing what the ones before have done. */
export function mutatingWebhooks(options: WebhookOptions): AdmissionPlugin {
  return {
    async mutate(request, object) {
      if (isWebhookConfiguration(request)) return undefined;
      const warnings: string[] = [];
      let current: AnyObject = object;
      for (const webhook of webhooksOf(options.objects, 'mutating')) {
        const verdict = await ask(options, webhook, { ...request, object: current }, true);
        if (verdict === undefined) continue;
        warnings.push(...verdict.warnings);
        if (!verdict.allowed) throw denied(webhook, verdict);
        if (verdict.patch !== undefined) current = patched(current, verdict.patch);
      }
      return { object: current, warnings };
    },
  };
}

/** Webhooks that only judge: all at once. */
export function validatingWebhooks(options: WebhookOptions): AdmissionPlugin {
  return {
    async validate(request) {
      if (isWebhookConfiguration(request)) return undefined;
      const webhooks = webhooksOf(options.objects, 'validating');
      const verdicts = await Promise.all(webhooks.map((webhook) => ask(options, webhook, request, false)));
      for (const [index, webhook] of webhooks.entries()) {
        const verdict = verdicts[index];
        if (verdict !== undefined && !verdict.allowed) throw denied(webhook, verdict);
      }
      return { warnings: verdicts.flatMap((verdict) => verdict?.warnings ?? []) };
    },
  };
}

/** A broken webhook must not keep anybody from removing it. */
function isWebhookConfiguration({ definition }: AdmissionRequest): boolean {
  return definition.group === 'admissionregistration.k8s.io' && definition.plural.endsWith('webhookconfigurations');
}

/** Undefined: the webhook does not want the request, or failed and is to be ignored. */
async function ask(
  { objects, call, random }: WebhookOptions,
  webhook: Webhook,
  request: AdmissionRequest,
  mayPatch: boolean,
): Promise<Verdict | undefined> {
  const match = matchWebhook(webhook, request, objects);
  if (match.type === 'no') return undefined;
  if (match.type === 'error') {
    if (webhook.failurePolicy === 'Ignore') return undefined;
    throw failure({ code: 403, reason: 'Forbidden', message: match.why });
  }
  if (request.dryRun && !['None', 'NoneOnDryRun'].includes(webhook.sideEffects))
    throw badRequest(`admission webhook "${webhook.name}" does not support dry run`);
  const uid = generateUid(random);
  const review = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: reviewRequest(request, uid) };
  try {
    return await callWebhook(call, webhook, { body: Buffer.from(JSON.stringify(review)), uid, mayPatch });
  } catch (error) {
    if (webhook.failurePolicy === 'Ignore') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw internalError(`failed calling webhook "${webhook.name}": ${why}`);
  }
}

async function callWebhook(
  call: WebhookCaller,
  webhook: Webhook,
  { body, uid, mayPatch }: { readonly body: Uint8Array; readonly uid: string; readonly mayPatch: boolean },
): Promise<Verdict> {
  const answer = await call(webhook.clientConfig, body, webhook.timeoutSeconds).catch((error: Error) => {
    throw new Error(`failed to call webhook: ${error.message}`);
  });
  try {
    return readVerdict(answer, uid, mayPatch);
  } catch (error) {
    throw new Error(`received invalid webhook response: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const BAD_REQUEST = 400;

/** What the webhook says, with its name before it and a code that is a failure. */
function denied(webhook: Webhook, { status = {} }: Verdict): Error {
  const by = `admission webhook "${webhook.name}" denied the request`;
  const { code, message, reason, details } = status as {
    code?: number;
    message?: string;
    reason?: string;
    details?: Record<string, unknown>;
  };
  const text = message ? `${by}: ${message}` : reason ? `${by}: ${reason}` : `${by} without explanation`;
  return failure({
    code: Math.max(code ?? 0, BAD_REQUEST),
    message: text,
    ...(reason ? { reason } : {}),
    ...(details === undefined ? {} : { details }),
  });
}
