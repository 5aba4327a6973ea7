import { expandIngressTemplate, isCronExpression, type Json, parseExactJson } from '@drey/api';
import { FlinkConfig } from '@drey/flink';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { defaultConfiguration, versionPrefixes } from './defaults.ts';
import { buildDeployConfig } from './deploy-config.ts';
import { buildIngress } from './ingress.ts';
import { mergePodTemplates } from './pod-templates.ts';
import type { DeploymentInput } from './spec-view.ts';

interface Vector {
  readonly id: string;
  readonly fn: string;
  readonly args: unknown;
  readonly result?: unknown;
  readonly exception?: string;
}

const area = goldenArea('operator-classes');
const present = area.files.includes('misc.json');
const defaults = present
  ? area.json<{ tokens: Record<string, string>; config: Record<string, string> }>('operator-defaults.json')
  : { tokens: {}, config: {} };

const run: Readonly<Record<string, (vector: Vector) => void>> = {
  mergePodTemplates({ args, result }) {
    const { base, override, byName } = args as { base: Json; override: Json; byName: boolean };
    expect(mergePodTemplates(base, override, byName) ?? null).toEqual(result);
  },
  relevantVersionPrefixes({ args, result }) {
    const { config, version } = args as { config: Record<string, string>; version: string };
    expect(versionPrefixes(config, version)).toEqual(result);
  },
  defaultConfig({ args, result }) {
    const { namespace, version, keys, operatorConfig } = args as {
      namespace: string;
      version: string | null;
      keys: readonly string[];
      operatorConfig?: Record<string, string | null>;
    };
    const config = defaultConfiguration(withDefaults(operatorConfig), namespace, version ?? undefined);
    expect(Object.fromEntries(keys.map((key) => [key, config[key] ?? null]))).toEqual(result);
  },
  ingressUrl({ args, result }) {
    const { template, name, namespace } = args as Record<'template' | 'name' | 'namespace', string>;
    const target = expandIngressTemplate(template, name, namespace);
    const expected = result as { host: string; path: string } | undefined;
    if (expected) expect(target).toEqual({ ok: true, value: { host: expected.host, path: expected.path } });
    else expect(target.ok).toBe(false);
  },
  ingress(vector) {
    const { object, operatorConfig } = vector.args as {
      object: DeploymentInput;
      operatorConfig?: Record<string, string | null>;
    };
    const expected = vector.result as { apiVersion?: string } | undefined;
    const build = (): unknown => {
      const { config } = buildDeployConfig({ deployment: object, operatorConfig: withDefaults(operatorConfig) });
      return buildIngress(object, config) ?? null;
    };
    if (vector.exception) expect(build).toThrow();
    // The older API of clusters before 1.19 is not built.
    else if (expected?.apiVersion !== 'networking.k8s.io/v1beta1')
      expect(JSON.parse(JSON.stringify(build()))).toEqual(expected ?? null);
  },
  cronParse({ args, result }) {
    const { expression } = args as { expression: string };
    expect(isCronExpression(expression)).toBe((result as { valid: boolean }).valid);
  },
};

const vectors = (present ? (parseExactJson(area.text('misc.json')) as unknown as Vector[]) : []).filter(
  ({ fn }) => fn in run,
);
let passed = 0;

describe('Parts of a deployment are as in the Apache operator', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    run[vector.fn]!(vector);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes misc (deployment): ${passed} of ${vectors.length}`));

function withDefaults(own: Record<string, string | null> | undefined): Record<string, string> {
  const all: Record<string, string | null> = { ...defaults.config, ...own };
  return FlinkConfig.of(Object.entries(all).flatMap(([k, v]) => (v === null ? [] : [[k, v] as const]))).toRecord();
}
