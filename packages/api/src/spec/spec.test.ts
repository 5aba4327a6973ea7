import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactInteger, parseJsonKeepingIntegers } from '../values/json.ts';
import { diffSpecs } from './diff.ts';
import { javaSpec, SpecFormatError } from './java-spec.ts';
import { podTemplateNormalForm } from './pod-normal-form.ts';
import { parseRecordedSpec, RecordedSpecError, serializeSpec } from './recorded.ts';

const RECORD = { apiVersion: 'flink.apache.org/v1beta1', firstDeployment: false };

const anySpec = fc.record(
  {
    image: fc.string(),
    restartNonce: fc.maxSafeInteger(),
    flinkVersion: fc.constantFrom('v1_20', 'v2_0'),
    mode: fc.constantFrom('native', 'standalone'),
    flinkConfiguration: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
    job: fc.record({ parallelism: fc.nat(), args: fc.array(fc.string()), jarURI: fc.string() }, { requiredKeys: [] }),
    taskManager: fc.record({ replicas: fc.nat() }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);

describe('Recorded specs', () => {
  test('A spec read back from its record does not differ from itself, and is recorded in the same bytes', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const text = serializeSpec('FlinkDeployment', spec, RECORD);
        const recorded = parseRecordedSpec('FlinkDeployment', text)!;
        expect(diffSpecs('FlinkDeployment', recorded.spec, spec, 'native').differences).toEqual([]);
        expect(serializeSpec('FlinkDeployment', recorded.spec, recorded.metadata!)).toBe(text);
      }),
    );
  });

  test('A record that does not parse, or whose metadata is no object, is refused with what to do', () => {
    expect(() => parseRecordedSpec('FlinkDeployment', '{oops')).toThrow(RecordedSpecError);
    expect(() => parseRecordedSpec('FlinkDeployment', '{"spec":{},"resource_metadata":"x"}')).toThrow(
      RecordedSpecError,
    );
    expect(parseRecordedSpec('FlinkDeployment', undefined)).toBeUndefined();
  });

  test('Resources in Kubernetes’ form are recorded only where they are used', () => {
    const spec = { jobManager: { resources: { requests: { cpu: 1 } } } };
    expect(serializeSpec('FlinkDeployment', spec, RECORD)).toContain(
      '"resources":{"requests":{"cpu":"1"}},"replicas":1',
    );
    expect(serializeSpec('FlinkDeployment', { jobManager: {} }, RECORD)).not.toContain('"resources"');
  });
});

describe('Specs as the operator’s classes hold them', () => {
  test('A value that the kind does not allow names its member', () => {
    expect(() => javaSpec('FlinkDeployment', { job: { upgradeMode: 'SAVEPOINT' } })).toThrow(SpecFormatError);
    expect(() => javaSpec('FlinkDeployment', { job: { upgradeMode: 'SAVEPOINT' } })).toThrow('job: upgradeMode');
  });

  test('Two spellings of one pod template have one normal form', () => {
    expect(
      podTemplateNormalForm({ spec: { volumes: [], containers: [{ name: 'a', resources: { limits: { cpu: 1 } } }] } }),
    ).toEqual(
      podTemplateNormalForm({ spec: { containers: [{ resources: { limits: { cpu: '1' } }, name: 'a', env: [] }] } }),
    );
  });
});

describe('Differences', () => {
  test('A change of parallelism scales a standalone cluster and upgrades a native one', () => {
    const [before, after] = [{ job: { parallelism: 1 } }, { job: { parallelism: 2 } }];
    expect(diffSpecs('FlinkDeployment', before, after, 'standalone').type).toBe('SCALE');
    expect(diffSpecs('FlinkDeployment', before, after, 'native').type).toBe('UPGRADE');
  });

  test('An empty text is told from nothing, and a place that moved away is only hinted at', () => {
    const text = (before: string[], after: string[]) =>
      diffSpecs('FlinkDeployment', { job: { args: before } }, { job: { args: after } }, 'native').text;
    expect(text(['a'], [''])).toBe('Diff: FlinkDeploymentSpec[job.args.0 : a -> ""]');
    expect(text([], [''])).toBe('Diff: FlinkDeploymentSpec[job.args.0 : null -> ""]');
    expect(text([''], [])).toBe('Diff: FlinkDeploymentSpec[job.args.0 : {..} -> null]');
  });

  test('The strongest difference counts', () => {
    const after = { image: 'b', job: { savepointRedeployNonce: 2, upgradeMode: 'savepoint' } };
    expect(diffSpecs('FlinkDeployment', { image: 'a', job: {} }, after, 'native').type).toBe('SAVEPOINT_REDEPLOY');
  });
});

test('Labels, annotations, logging files and TLS are recorded as texts, however they were written', () => {
  const ingress = {
    annotations: { a: 1, b: true, c: null },
    tls: [
      { hosts: [], extra: 1 },
      { secretName: 2, hosts: [3] },
    ],
  };
  const recorded = serializeSpec(
    'FlinkDeployment',
    { ingress, logConfiguration: { x: 1.5 } },
    { firstDeployment: false },
  );
  expect(recorded).toContain('"annotations":{"a":"1","b":"true","c":null}');
  expect(recorded).toContain('"tls":[{"extra":1},{"hosts":["3"],"secretName":"2"}]');
  expect(recorded).toContain('"logConfiguration":{"x":"1.5"}');
});

test('A configuration that is null is recorded as null, and is no difference from none', () => {
  const recorded = serializeSpec('FlinkSessionJob', { flinkConfiguration: null }, { firstDeployment: false });
  expect(recorded).toContain('"flinkConfiguration":null');
  expect(diffSpecs('FlinkSessionJob', { flinkConfiguration: null }, {}, 'native').differences).toEqual([]);
});

test('Members that a pod template does not have are left out of the text of a new taskManager too', () => {
  const taskManager = { podTemplate: { apiVersion: 'v1', kind: 'Pod', spec: {} } };
  expect(diffSpecs('FlinkDeployment', {}, { taskManager }, 'native').text).not.toContain('Pod"');
});

test('Nonces beyond 2^53 differ by their last digit, and are recorded with it', () => {
  const spec = (nonce: string) => ({ restartNonce: exactInteger(nonce) });
  const recorded = serializeSpec('FlinkDeployment', spec('9007199254740993'), { firstDeployment: false });
  expect(recorded).toContain('"restartNonce":9007199254740993,');
  const read = parseJsonKeepingIntegers(recorded) as { spec: unknown };
  expect(serializeSpec('FlinkDeployment', read.spec, { firstDeployment: false })).toBe(recorded);
  expect(JSON.stringify(read)).toBe(recorded);
  const change = diffSpecs('FlinkDeployment', read.spec, spec('9007199254740992'), 'native');
  expect(change.type).toBe('UPGRADE');
  expect(parseJsonKeepingIntegers('{"a":[1.5,12,"1234567890123456789"]}')).toEqual({
    a: [1.5, 12, '1234567890123456789'],
  });
});
