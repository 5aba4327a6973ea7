import type { Clock } from '@drey/kube';
import type { ApiResponse, LogOptions } from '../contract.ts';
import type { ConnectHandler, FieldError } from '../model.ts';
import { isTrue } from '../request-info.ts';
import { invalid } from '../status.ts';
import { text } from '../table/fields.ts';
import { integerParameter } from '../verbs/parameters.ts';
import { backendFor, chooseContainer, nodeFailure, type PodAccess, podOf, targetOf } from './pod-target.ts';

/** How long the first bytes are waited for, so that a node's refusal is an answer and not a cut stream. */
const FIRST_BYTES_MS = 100;

const PLAIN_TEXT = { 'content-type': 'text/plain' };

/** `pods/log`: the container's output as plain text, streamed. */
export function logHandler(access: PodAccess, clock: Clock): ConnectHandler {
  return async (call) => {
    const { query, signal } = call.request;
    const pod = podOf(access, call);
    const options = logOptions(query, call.info.name ?? '');
    const container = chooseContainer(pod, query.get('container'));
    if (text(pod, 'spec', 'nodeName') === '') return { status: 204, headers: {} };
    const stream = backendFor(access, pod).logs(targetOf(pod, container), options, signal);
    return respondStream(stream[Symbol.asyncIterator](), clock);
  };
}

async function respondStream(source: AsyncIterator<Uint8Array>, clock: Clock): Promise<ApiResponse> {
  const first = source.next();
  // Observed below, or when the stream is read; until then a rejection is not lost but not yet handled.
  first.catch(() => undefined);
  let cancel = (): void => undefined;
  try {
    const waited = new Promise<void>((resolve) => {
      cancel = clock.after(FIRST_BYTES_MS, resolve);
    });
    await Promise.race([first, waited]);
  } catch (error) {
    throw nodeFailure(error);
  } finally {
    cancel();
  }
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for (let next = await first; !next.done; next = await source.next()) yield next.value;
    } finally {
      await source.return?.();
    }
  }
  return { status: 200, headers: PLAIN_TEXT, body: body() };
}

function logOptions(query: URLSearchParams, name: string): LogOptions {
  const errors: FieldError[] = [];
  const number = (field: string, least: number): number | undefined => {
    const value = integerParameter(query.get(field));
    if (value !== undefined && value < least) {
      const bound = least === 0 ? 'greater than or equal to 0' : 'greater than 0';
      errors.push({ field, reason: 'FieldValueInvalid', message: `Invalid value: ${value}: must be ${bound}` });
    }
    return value;
  };
  const options = {
    tailLines: number('tailLines', 0),
    limitBytes: number('limitBytes', 1),
    sinceSeconds: number('sinceSeconds', 1),
    sinceTime: query.get('sinceTime') ?? undefined,
  };
  if (options.sinceSeconds !== undefined && options.sinceTime !== undefined) {
    const message = 'at most one of `sinceTime` or `sinceSeconds` may be specified';
    errors.push({ field: '', reason: 'FieldValueForbidden', message: `Forbidden: ${message}` });
  }
  if (errors.length > 0) throw invalid('', 'PodLogOptions', name, errors);
  return {
    follow: isTrue(query.get('follow')),
    previous: isTrue(query.get('previous')),
    timestamps: isTrue(query.get('timestamps')),
    ...definedOnly(options),
  };
}

/** Without the entries that are undefined. */
function definedOnly<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
