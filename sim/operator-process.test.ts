import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FlinkDeployment, FlinkDeployments } from '@drey/api';
import { runOperatorProcess } from '@drey/operator';
import { afterEach, expect, test } from 'vitest';
import { type OperatorWorld, operatorWorld, statefulDeployment } from './operator-world.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function configured(lines: Record<string, string>): { folder: string; write(lines: Record<string, string>): void } {
  const folder = mkdtempSync(join(tmpdir(), 'drey-operator-'));
  folders.push(folder);
  const write = (entries: Record<string, string>): void =>
    writeFileSync(
      join(folder, 'flink-conf.yaml'),
      Object.entries(entries)
        .map(([k, v]) => `${k}: ${v}\n`)
        .join(''),
    );
  write(lines);
  return { folder, write };
}

const statusOf = (sim: OperatorWorld, name: string): FlinkDeployment['status'] =>
  (
    sim.world.server.server.reader.get('flink.apache.org', 'flinkdeployments', 'default', name) as
      | FlinkDeployment
      | undefined
  )?.status;

/** Real files change while virtual time stands still. */
const realTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(sim: OperatorWorld, holds: () => boolean): Promise<boolean> {
  for (let i = 0; i < 200 && !holds(); i++) {
    await sim.clock.advance(1_000, 100_000);
    await realTime(5);
  }
  return holds();
}

test('The configuration of a running operator follows its directory; what is wrong with it is told and changes nothing', async () => {
  const sim = await operatorWorld();
  const base = {
    'taskmanager.numberOfTaskSlots': '2',
    'kubernetes.operator.dynamic.config.check.interval': '10 s',
    'kubernetes.operator.reconcile.intervall': '5 s',
  };
  const { folder, write } = configured(base);
  const stop = new AbortController();
  const options = { directory: folder, namespace: 'default', identity: 'one' };
  const ended = runOperatorProcess(sim.env('operator'), options, stop.signal);
  const told = (text: string): boolean => sim.log.some(({ msg }) => msg.includes(text));
  expect(await until(sim, () => told('operator started'))).toBe(true);
  expect(told('Did you mean kubernetes.operator.reconcile.interval?')).toBe(true);

  // Valid only with the default that comes later.
  const { spec, ...rest } = statefulDeployment('default', 'app');
  const { 'execution.checkpointing.savepoint-dir': directory, ...flinkConfiguration } = spec.flinkConfiguration ?? {};
  await sim.drive(sim.admin.create(FlinkDeployments, { ...rest, spec: { ...spec, flinkConfiguration } }));
  expect(await until(sim, () => statusOf(sim, 'app')?.error?.includes('savepoint-dir') === true)).toBe(true);

  write({ ...base, 'kubernetes.operator.reconcile.interval': 'soon' });
  expect(await until(sim, () => told('the one before stays'))).toBe(true);
  expect(statusOf(sim, 'app')?.error).toContain('savepoint-dir');

  write({
    ...base,
    'execution.checkpointing.savepoint-dir': String(directory),
    'kubernetes.operator.label.selector': 'a=b',
  });
  expect(await until(sim, () => told('the configuration changed'))).toBe(true);
  expect(sim.log.find(({ msg }) => msg === 'these options take effect at the next start')).toMatchObject({
    keys: ['kubernetes.operator.label.selector'],
  });
  expect(await until(sim, () => statusOf(sim, 'app')?.jobStatus?.state === 'RUNNING')).toBe(true);
  stop.abort();
  expect(await sim.drive(ended)).toBe('stopped');
  sim.world.stop();
});

test('A process that waits for the Lease watches already, and one that is to stop gives the Lease back', async () => {
  const sim = await operatorWorld();
  const { folder } = configured({
    'kubernetes.operator.leader-election.enabled': 'true',
    'kubernetes.operator.leader-election.lease-name': 'drey-lease',
  });
  const start = (identity: string) => {
    const stop = new AbortController();
    const options = { directory: folder, namespace: 'default', identity };
    return { stop, ended: runOperatorProcess(sim.env(identity), options, stop.signal) };
  };
  const first = start('first');
  const leads = (user: string): boolean =>
    sim.log.some((line) => line.user === user && line.msg === 'this process leads');
  const watches = (user: string): boolean =>
    sim.log.some((line) => line.user === user && line.msg === 'operator started');
  expect(await until(sim, () => leads('first'))).toBe(true);
  const second = start('second');
  expect(await until(sim, () => sim.log.some(({ msg }) => msg === 'another process leads'))).toBe(true);
  expect(await until(sim, () => watches('second'))).toBe(true);
  expect(leads('second')).toBe(false);
  first.stop.abort();
  expect(await sim.drive(first.ended)).toBe('stopped');
  expect(await until(sim, () => leads('second'))).toBe(true);
  second.stop.abort();
  expect(await sim.drive(second.ended)).toBe('stopped');
  sim.world.stop();
});

test('A process whose configuration cannot be read does not begin, and says why with a code', async () => {
  const sim = await operatorWorld();
  const { folder } = configured({ 'kubernetes.operator.leader-election.enabled': 'true' });
  const options = { directory: folder, namespace: 'default', identity: 'one' };
  const stop = new AbortController().signal;
  await expect(runOperatorProcess(sim.env('a'), options, stop)).rejects.toMatchObject({ code: 'E_OPERATOR_LEASE' });
  const bad = configured({ 'kubernetes.operator.reconcile.interval': 'soon' });
  await expect(runOperatorProcess(sim.env('a'), { ...options, directory: bad.folder }, stop)).rejects.toMatchObject({
    code: 'E_FLINK_CONFIG_VALUE',
  });
  sim.world.stop();
});
