import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  builtinSchema,
  canonicalQuantity,
  compareQuantities,
  normalize,
  openApiDefinitions,
  parseQuantity,
  type TypeSchema,
  zeroObject,
} from './index.ts';
import { canonicalMicroTime, canonicalTime } from './times.ts';

function schemaOf(group: string, version: string, kind: string): TypeSchema {
  const schema = builtinSchema(group, version, kind);
  if (schema === undefined) throw new Error(`no schema of ${kind}`);
  return schema;
}

const deployment = schemaOf('apps', 'v1', 'Deployment');

describe('the table of built-in kinds', () => {
  test('has the kinds that a server serves, and nothing for others', () => {
    expect(builtinSchema('batch', 'v1', 'CronJob')).toMatchObject({ t: 'struct', name: 'io.k8s.api.batch.v1.CronJob' });
    expect(builtinSchema('batch', 'v2', 'CronJob')).toBeUndefined();
    expect(builtinSchema('', 'v1', 'Pod')).toBe(builtinSchema('', 'v1', 'Pod'));
  });

  test('keeps what documents are made from, without descriptions', () => {
    const container = openApiDefinitions()['io.k8s.api.core.v1.Container'];
    expect(container?.required).toEqual(['name']);
    expect(container?.properties?.ports).toMatchObject({
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-patch-merge-key': 'containerPort',
    });
    expect(container?.properties?.name).not.toHaveProperty('description');
  });

  test('keeps a field that is itself called description', () => {
    const validation = openApiDefinitions()['io.k8s.api.scheduling.v1.PriorityClass'];
    expect(Object.keys(validation?.properties ?? {})).toContain('description');
  });

  test('every definition with Go facts lists the same fields in both', () => {
    for (const [name, definition] of Object.entries(openApiDefinitions())) {
      const [gvk] = definition['x-kubernetes-group-version-kind'] ?? [];
      if (gvk === undefined || definition.properties === undefined) continue;
      const schema = builtinSchema(gvk.group, gvk.version, gvk.kind);
      if (schema?.t !== 'struct' || schema.name !== name) continue;
      expect(Object.keys(schema.fields).sort(), name).toEqual(Object.keys(definition.properties).sort());
    }
  });
});

describe('normalize', () => {
  test('drops what Go leaves out and adds what it always writes', () => {
    const spec = {
      replicas: 0,
      minReadySeconds: 0,
      bogus: 1,
      template: {
        spec: { containers: [{ name: 'c', image: '', resources: { limits: { cpu: '1000m', memory: '1024Ki' } } }] },
      },
    };
    expect(normalize({ metadata: { name: 'x', labels: {} }, spec }, deployment)).toEqual({
      ok: true,
      value: {
        metadata: { name: 'x' },
        spec: {
          replicas: 0,
          selector: null,
          template: {
            metadata: {},
            spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '1Mi' } } }] },
          },
          strategy: {},
        },
        status: {},
      },
    });
  });

  test('a null is as good as nothing, in maps of strings an empty string', () => {
    const configMap = schemaOf('', 'v1', 'ConfigMap');
    expect(normalize({ metadata: null, data: { a: null }, immutable: null }, configMap)).toEqual({
      ok: true,
      value: { metadata: {}, data: { a: '' } },
    });
  });

  test.each([
    [
      { spec: { replicas: 'x' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 3e9 } },
      'json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { template: { spec: { restartPolicy: 5 } } } },
      'json: cannot unmarshal number into Go struct field PodSpec.spec.template.spec.restartPolicy of type v1.RestartPolicy',
    ],
    [
      { spec: { template: { spec: { containers: { a: 1 } } } } },
      'json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    ],
    [
      { spec: { strategy: { rollingUpdate: { maxSurge: true } } } },
      'json: cannot unmarshal bool into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32',
    ],
    [
      { metadata: { labels: 'x' } },
      'json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
    [
      { metadata: { creationTimestamp: 'xx' } },
      'parsing time "xx" as "2006-01-02T15:04:05Z07:00": cannot parse "xx" as "2006"',
    ],
    [[1], 'json: cannot unmarshal array into Go value of type v1.Deployment'],
  ])('refuses %j as Go does', (object, message) => {
    expect(normalize(object, deployment)).toEqual({ ok: false, message });
  });

  test('its result is its own fixed point', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
      list: fc.array(tie('any'), { maxLength: 3 }),
      map: fc.dictionary(
        fc.constantFrom('metadata', 'name', 'labels', 'spec', 'template', 'containers', 'x'),
        tie('any'),
      ),
    })).map;
    fc.assert(
      fc.property(value, (object) => {
        const once = normalize(object, deployment);
        if (once.ok) expect(normalize(once.value, deployment)).toEqual(once);
      }),
    );
  });

  test('an object that nothing was decoded into has its structs and required lists', () => {
    expect(zeroObject(schemaOf('', 'v1', 'Pod'))).toEqual({ metadata: {}, spec: { containers: null }, status: {} });
  });
});

describe('quantities', () => {
  test.each([
    ['1000m', '1'],
    ['0.5', '500m'],
    ['1024Ki', '1Mi'],
    ['1023Ki', '1023Ki'],
    ['1.5Gi', '1536Mi'],
    ['1000Ki', '1000Ki'],
    ['512', '512'],
    ['0.1Ki', '102400m'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['12e-1', '1200e-3'],
    ['5000000k', '5G'],
    ['0.0000000001', '1n'],
    ['-1.5k', '-1500'],
    ['00', '0'],
  ])('%s is written as %s', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  test.each(['', 'x', '1Kb', '1 Gi', '1e', '--1'])('%j is none', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  test('the canonical form is worth the same and is canonical', () => {
    const suffix = fc.constantFrom('', 'm', 'k', 'Ki', 'Mi', 'Gi', 'M', 'e2', 'E-1');
    fc.assert(
      fc.property(
        fc.integer({ min: -1e6, max: 1e6 }),
        fc.integer({ min: 0, max: 999 }),
        suffix,
        (whole, fraction, s) => {
          const text = `${whole}.${fraction}${s}`;
          const canonical = canonicalQuantity(text) ?? '';
          const [before, after] = [parseQuantity(text), parseQuantity(canonical)];
          expect(before && after && compareQuantities(before, after)).toBe(0);
          expect(canonicalQuantity(canonical)).toBe(canonical);
        },
      ),
    );
  });
});

describe('times', () => {
  test.each([
    ['2024-01-02T03:04:05+02:00', '2024-01-02T01:04:05Z'],
    ['2024-01-02T03:04:05.999Z', '2024-01-02T03:04:05Z'],
  ])('%s is written in UTC with seconds', (text, canonical) => {
    expect(canonicalTime(text)).toEqual({ ok: true, text: canonical });
  });

  test.each([
    ['2024-01-02', '2024-01-02', 'cannot parse "" as "T"'],
    ['2024-01-02T03:04:05', '2024-01-02T03:04:05', 'cannot parse "" as "Z07:00"'],
  ])('%s is refused with the missing part', (text, _, problem) => {
    expect(canonicalTime(text)).toMatchObject({ ok: false, message: expect.stringContaining(problem) });
  });

  test('a MicroTime has exactly six digits', () => {
    expect(canonicalMicroTime('2024-01-02T03:04:05.000001Z')).toEqual({
      ok: true,
      text: '2024-01-02T03:04:05.000001Z',
    });
    expect(canonicalMicroTime('2024-01-02T03:04:05.5Z')).toMatchObject({ ok: false });
  });
});
