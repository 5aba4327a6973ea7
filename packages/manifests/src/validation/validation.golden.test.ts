import {
  parseExactJson,
  type ValidationProblem,
  validateFlinkDeployment,
  validateFlinkSessionJob,
  validateFlinkStateSnapshot,
} from '@drey/api';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { validationContext } from './context.ts';

interface Held {
  readonly metadata: { readonly name?: string; readonly namespace?: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

interface Vector {
  readonly id: string;
  readonly kind: 'FlinkDeployment' | 'FlinkSessionJob' | 'FlinkStateSnapshot';
  readonly object: Held;
  readonly session?: Held;
  readonly target?: Held;
  readonly operatorConfig?: Record<string, string | null>;
  readonly error: string | null;
  readonly errorAnyOf?: readonly string[];
  readonly exception?: string;
}

const area = goldenArea('operator-classes');
const present = area.files.includes('validation.json');
const vectors = present ? (parseExactJson(area.text('validation.json')) as unknown as Vector[]) : [];
const defaults = present ? area.json<{ config: Record<string, string> }>('operator-defaults.json').config : {};
const HOSTS: Readonly<Record<string, readonly string[]>> = {};
let passed = 0;

describe('Resources are refused as by the Apache operator', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    const found = validate(vector);
    if (vector.exception) expect(found).toBeDefined();
    else if (vector.errorAnyOf) expect(vector.errorAnyOf).toContain(found?.message);
    else expect(found?.message ?? null).toBe(vector.error);
    if (found) expect(found.nextStep).not.toBe('');
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes validation: ${passed} of ${vectors.length}`));

function validate({ kind, object, session, target, operatorConfig = {} }: Vector): ValidationProblem | undefined {
  const all: Record<string, string | null> = { ...defaults, ...operatorConfig };
  const config = Object.fromEntries(Object.entries(all).flatMap(([k, v]) => (v === null ? [] : [[k, v]])));
  const context = validationContext(config, (host) => HOSTS[host]);
  if (kind === 'FlinkDeployment') return validateFlinkDeployment(object, context);
  if (kind === 'FlinkSessionJob') return validateFlinkSessionJob(object, session, context);
  return validateFlinkStateSnapshot(object, target !== undefined);
}
