import { request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import type { DecisionFile } from './decision-export.ts';
import { serveHealth } from './health.ts';
import { operatorMetrics } from './metrics.ts';
import type { Operator } from './operator.ts';

const file = {
  format: 'drey-decisions/1',
  kind: 'FlinkDeployment',
  key: 'ns/a',
  decisions: [],
} as never as DecisionFile;
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function get(path: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const operator = {
    ready: true,
    metrics: operatorMetrics(),
    decisions: {
      objects: () => [{ kind: 'FlinkDeployment', key: 'ns/a', decisions: 2 }],
      file: (kind: string, key: string) => (kind === 'FlinkDeployment' && key === 'ns/a' ? file : undefined),
    },
  } as never as Operator;
  const server = await serveHealth(operator, { port: 0 });
  open.push(server);
  const { statusCode, body } = await request(`http://127.0.0.1:${server.port}${path}`, { headers });
  return { status: statusCode, text: await body.text() };
}

test('The objects that decisions are kept of are listed', async () => {
  const { status, text } = await get('/debug/decisions');
  expect([status, JSON.parse(text)]).toEqual([
    200,
    { objects: [{ kind: 'FlinkDeployment', key: 'ns/a', decisions: 2 }] },
  ]);
});

test('The decisions about one object are a file', async () => {
  const { status, text } = await get('/debug/decisions/FlinkDeployment/ns/a');
  expect([status, JSON.parse(text)]).toEqual([200, file]);
});

test('An object without decisions is not found', async () => {
  for (const path of ['/FlinkDeployment/ns/b', '/FlinkDeployment/ns/a/more', '/Pod/ns/a', '/FlinkDeployment'])
    expect(await get(`/debug/decisions${path}`)).toMatchObject({ status: 404 });
});

test('A page that a browser was led to by another name is refused', async () => {
  expect(await get('/debug/decisions', { host: 'example.com:80' })).toMatchObject({ status: 403 });
  expect(await get('/debug/decisions', { host: 'localhost:1' })).toMatchObject({ status: 200 });
});

test('Health and metrics are told as ever', async () => {
  expect(await get('/healthz')).toEqual({ status: 200, text: 'OK' });
  expect((await get('/metrics')).text).toContain('flink_operator_steps_total');
});
