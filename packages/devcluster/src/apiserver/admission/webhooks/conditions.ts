import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { LIBRARY } from '../../crd/cel-library.ts';
import type { AdmissionRequest } from '../../model.ts';
import type { Webhook } from './configuration.ts';
import type { Match } from './matching.ts';
import { reviewRequest } from './review.ts';

type Program = (bindings: Record<string, CelInput>) => unknown;

const environment = celEnv({ funcs: LIBRARY });
const MAX_PROGRAMS = 500;
const programs = new Map<string, Program>();

/** All conditions must hold. One that is false decides, even when another one fails. */
export function evaluateConditions({ matchConditions }: Webhook, request: AdmissionRequest): Match {
  if (matchConditions.length === 0) return { type: 'yes' };
  const bindings = {
    object: toCel(request.object ?? null),
    oldObject: toCel(request.oldObject ?? null),
    request: toCel(reviewRequest(request, '')),
  };
  let failure: string | undefined;
  for (const { expression } of matchConditions) {
    const result = evaluate(expression, bindings);
    if (result === false) return { type: 'no' };
    if (result !== true) failure = result;
  }
  return failure === undefined ? { type: 'yes' } : { type: 'error', why: failure };
}

function evaluate(expression: string, bindings: Record<string, CelInput>): boolean | string {
  try {
    const result = compile(expression)(bindings);
    if (typeof result === 'boolean') return result;
    return isCelError(result) ? result.message : `expression '${expression}' is not boolean`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function compile(expression: string): Program {
  const known = programs.get(expression);
  if (known !== undefined) return known;
  const made = plan(environment, parse(expression)) as unknown as Program;
  if (programs.size >= MAX_PROGRAMS) programs.clear();
  programs.set(expression, made);
  return made;
}

/** JSON as CEL sees it without a schema: whole numbers are integers. */
function toCel(value: unknown): CelInput {
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) return null;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return new Map(entries.map(([key, item]) => [key, toCel(item)]));
}
