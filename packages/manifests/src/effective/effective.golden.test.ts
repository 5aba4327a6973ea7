import { type JsonNumber, javaNumberText, parseExactJson } from '@drey/api';
import type { FlinkConfig } from '@drey/flink';
import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { clusterUsage } from './cluster-usage.ts';
import { buildDeployConfig, type DeployConfig, withoutOperatorKeys } from './deploy-config.ts';
import { taskManagers } from './job-config.ts';
import { buildObserveConfig, buildSessionJobConfig } from './session-job-config.ts';
import type { DeploymentInput } from './spec-view.ts';

interface Shown {
  readonly config: Record<string, string>;
  readonly podTemplates?: { readonly jobmanager?: unknown; readonly taskmanager?: unknown };
  readonly logFiles?: Record<string, string>;
}

interface Vector {
  readonly id: string;
  readonly object: DeploymentInput;
  readonly operatorConfig?: Record<string, string | null>;
  readonly deployed?: DeploymentInput;
  readonly stable?: DeploymentInput;
  readonly sessionJob?: DeploymentInput;
  readonly result: {
    readonly deploy?: Shown;
    readonly keysNotPassedToFlink?: readonly string[];
    readonly observe?: Shown;
    readonly sessionJob?: Shown;
    readonly numTaskManagers?: number;
    readonly clusterCpu?: number | JsonNumber;
    readonly clusterMemory?: number | JsonNumber;
    readonly exception?: string;
  };
}

/**
 * Keys that deliberately have another value than the recorded one, with the reason. The suite fails when one has the recorded
 * value after all.
 */
const BETTER: readonly {
  readonly key: string;
  readonly reason: string;
  readonly applies: (args: unknown) => boolean;
}[] = [
  {
    key: '$internal.application.program-args',
    reason: 'An empty argument before or behind all others is lost on the way there; here it is quoted, and arrives.',
    applies: (args) => Array.isArray(args) && (args[0] === '' || args.at(-1) === ''),
  },
];

const area = goldenArea('operator-classes');
const present = area.files.includes('effective-config.json');
const vectors = present ? (parseExactJson(area.text('effective-config.json')) as unknown as Vector[]) : [];
const defaults = present
  ? area.json<{ tokens: Record<string, string>; config: Record<string, string> }>('operator-defaults.json')
  : { tokens: {}, config: {} };
let passed = 0;

describe('Effective configurations are those of the Apache operator', () => {
  test('Every vector has an id of its own', () => {
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    check(vector);
    passed += 1;
  });
});

afterAll(() => console.log(`operator-classes effective-config: ${passed} of ${vectors.length}`));

function check(vector: Vector): void {
  const { object: deployment, result } = vector;
  const operatorConfig = operatorConfigOf(vector);
  if (result.exception) {
    expect(() => buildDeployConfig({ deployment, operatorConfig })).toThrow();
    return;
  }
  if (result.deploy) {
    const built = buildDeployConfig({ deployment, operatorConfig });
    expectAlike(built.config.toRecord(), result.deploy.config, deployment);
    expect(templates(built)).toEqual(
      result.deploy.podTemplates
        ? { jobmanager: result.deploy.podTemplates.jobmanager, taskmanager: result.deploy.podTemplates.taskmanager }
        : {},
    );
    checkUsage(built.config, result);
    if (result.deploy.logFiles) expect(built.logging).toEqual(result.deploy.logFiles);
    const removed = [...built.config.keys()].filter((key) => !withoutOperatorKeys(built.config).has(key)).sort();
    expect(removed).toEqual([...(result.keysNotPassedToFlink ?? [])].sort());
  }
  const running = vector.stable ?? vector.deployed ?? deployment;
  const observe = (): ReturnType<typeof buildObserveConfig> =>
    buildObserveConfig({ deployment, deployedSpec: running.spec, operatorConfig });
  if (result.observe) expectAlike(observe().toRecord(), result.observe.config, running);
  if (result.sessionJob) {
    const config = buildSessionJobConfig(observe(), vector.sessionJob!).toRecord();
    expectAlike(config, result.sessionJob.config, vector.sessionJob!);
  }
}

function expectAlike(
  config: Record<string, string>,
  recorded: Record<string, string>,
  { spec }: DeploymentInput,
): void {
  const { args } = (spec as { readonly job?: { readonly args?: unknown } | null }).job ?? {};
  const [ours, theirs] = [comparable(config), comparable(recorded)];
  for (const { key, reason } of BETTER.filter(({ applies }) => applies(args))) {
    expect(ours[key], reason).not.toEqual(theirs[key]);
    delete ours[key];
    delete theirs[key];
  }
  expect(ours).toEqual(theirs);
}

function checkUsage(config: FlinkConfig, { numTaskManagers, clusterCpu, clusterMemory }: Vector['result']): void {
  expect(taskManagers(config)).toBe(numTaskManagers);
  const usage = clusterUsage(config, taskManagers(config));
  expect(usage.cpu).toBeCloseTo(Number(javaNumberText(clusterCpu ?? 0)), 9);
  expect(usage.memory?.toString()).toBe(clusterMemory === undefined ? undefined : javaNumberText(clusterMemory));
}

function operatorConfigOf({ operatorConfig = {} }: Vector): Record<string, string> {
  const all: Record<string, string | null> = { ...defaults.config, ...operatorConfig };
  return Object.fromEntries(Object.entries(all).flatMap(([k, v]) => (v === null ? [] : [[k, detoken(v)]])));
}

const detoken = (text: string): string => defaults.tokens[text] ?? text;

function comparable(config: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      if (key.startsWith('kubernetes.pod-template-file.')) return [key, '<podtemplate>'];
      if (key === '$internal.deployment.config-dir') return [key, '<confdir>'];
      return [key, detoken(value)];
    }),
  );
}

function templates({ jobManagerTemplate, taskManagerTemplate }: DeployConfig): unknown {
  const shown = { jobmanager: jobManagerTemplate, taskmanager: taskManagerTemplate };
  return JSON.parse(JSON.stringify(shown));
}
