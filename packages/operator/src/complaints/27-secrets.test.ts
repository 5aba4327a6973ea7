import { PassThrough } from 'node:stream';
import type { KubeClient } from '@drey/kube';
import { systemClock } from '@drey/kube';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../deployment/decide.ts';
import { cleanJson, redactedStatus, secretsOf, withoutSecrets } from '../job/redaction.ts';
import { eventRecorder } from '../runtime/event-recorder.ts';
import { operatorLogger } from '../runtime/log.ts';
import { aJob, aRunning, POLICY, runningWorld } from '../testing/worlds.ts';

/** Texts as they come from outside, with a secret somewhere in them. */
const secretText = fc
  .string({ minLength: 8, maxLength: 30 })
  .filter((text) => text.trim() === text && /[a-z]{2}/i.test(text) && !text.includes('\u0000'));

describe('12.1 item 27: secrets of flinkConfiguration', () => {
  test('are in no event, also not in the text of a difference between specs', async () => {
    const sent: string[] = [];
    const kube = { create: (_: unknown, event: object) => Promise.resolve(sent.push(JSON.stringify(event))) };
    const events = eventRecorder({
      kube: kube as unknown as KubeClient,
      clock: systemClock,
      log: operatorLogger({ level: 'silent' }),
      signal: new AbortController().signal,
    });
    const { deployment } = aRunning({ configuration: { 's3.secret-key': 'old-hunter2' } });
    const changed = {
      ...deployment,
      spec: {
        ...deployment.spec,
        flinkConfiguration: { ...deployment.spec.flinkConfiguration, 's3.secret-key': 'new-hunter3' },
      },
    };
    const message =
      'UPGRADE change(s) detected (Diff: FlinkDeploymentSpec[flinkConfiguration.s3.secret-key : old-hunter2 -> new-hunter3])';
    events.send(changed, { type: 'Normal', reason: 'SpecChanged', message, component: 'JobManagerDeployment' });
    await events.flush();
    expect(sent.join()).toContain('SpecChanged');
    expect(sent.join()).not.toMatch(/hunter/);
  });

  test('are not in the status that a failed job gives, whatever the secret is and wherever it stands', () => {
    fc.assert(
      fc.property(secretText, fc.string(), (secret, around) => {
        // Any text can stand in the configuration file of 2.x.
        const { deployment } = aRunning({ configuration: { 'my.password': secret }, spec: { flinkVersion: 'v2_0' } });
        const world = runningWorld(deployment, aJob('FAILED'));
        const message = `${around} cannot sign in with '${secret}' ${around}`;
        const failure = { kind: 'ok', value: { type: 'java.lang.Exception', message } } as const;
        const none = { completed: undefined, savepoint: undefined, restored: undefined, pendingSince: undefined };
        const checkpoints = { kind: 'ok', value: none } as const;
        const plan = decide({ ...world, flink: { ...world.flink, failure, checkpoints } }, POLICY);
        const { reconciliationStatus: _, ...shown } = plan.status;
        expect(plan.status.jobStatus?.state).toBe('FAILED');
        expect(JSON.stringify(shown)).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
      { numRuns: 50 },
    );
  });

  test('are taken out of conditions, summary and error, and the error stays JSON', () => {
    fc.assert(
      fc.property(secretText, fc.string(), (secret, around) => {
        const object = { spec: { flinkConfiguration: { a: { token: secret } } } };
        const text = `${around}${secret}${around}`;
        const status = redactedStatus(object, {
          error: JSON.stringify({ type: 'X', message: text, throwableList: [{ message: `password="${secret}"` }] }),
          summary: text,
          conditions: [{ type: 'Ready', status: 'False', message: text }],
        });
        expect(JSON.parse(status.error)).toMatchObject({ type: 'X' });
        expect(String(JSON.parse(status.error).message)).not.toContain(secret);
        expect(`${status.summary} ${status.conditions[0]?.message}`).not.toContain(secret);
      }),
    );
  });

  test('an old secret that only the recorded spec still knows is one as well', () => {
    const object = {
      spec: { flinkConfiguration: { 'my.password': 'the-new-one' } },
      status: {
        reconciliationStatus: { lastReconciledSpec: '{"spec":{"flinkConfiguration":{"my.password":"the-old-one"}}}' },
      },
    };
    expect([...secretsOf(object)].sort()).toEqual(['the-new-one', 'the-old-one']);
  });

  test('a text without secrets is left as it is, byte for byte', () => {
    const error =
      '{"type":"a.B","message":"Could not find secret \\"flink-creds\\" in namespace x","throwableList":[]}';
    expect(cleanJson(error, (text) => withoutSecrets(text, []))).toBe(error);
  });

  test('are not in the log of a failed pass', async () => {
    const stream = new PassThrough();
    operatorLogger({ stream }).warn({ err: new Error('refused: jdbc:x://u:hunter2-pw@db') }, 'pass failed');
    expect(String(stream.read())).not.toContain('hunter2-pw');
  });
});
