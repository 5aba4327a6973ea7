import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FlinkRequest, flinkRest, httpTransport, savepointInFailure } from '../index.ts';

let server: Server;
const http = httpTransport();
beforeAll(async () => {
  server = createServer((request, response) => {
    switch (request.url) {
      case '/overview':
        response
          .writeHead(503)
          .end('{"errors":["Service temporarily unavailable due to an ongoing leader election."]}');
        break;
      case '/config':
        response.end('<html>a proxy</html>');
        break;
      case '/jobs':
        response.end(`{"jobs":[${'{"id":"0","status":"RUNNING"},'.repeat(1000)}{"id":"1","status":"RUNNING"}]}`);
        break;
      case '/jobs/1':
        response.writeHead(404).end('{"errors":["Job 1 not found"]}');
        break;
      case '/jars':
        response.writeHead(200).write('{');
        break;
      default:
        request.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await http.close();
});

const rest = () =>
  flinkRest(
    {
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      transport: http.transport,
      timeoutMs: 300,
      maxBytes: 10_000,
    },
    { major: 1, minor: 20 },
  );

describe('every failure is a value, and none but Flink says that something is absent', () => {
  test('not ready', async () => {
    expect(await rest().overview()).toMatchObject({ kind: 'unknown', reason: 'not-ready' });
  });
  test('an answer that is no JSON', async () => {
    expect(await rest().dashboardConfig()).toMatchObject({ kind: 'unknown', reason: 'bad-answer' });
  });
  test('an answer beyond the limit', async () => {
    expect(await rest().jobs()).toMatchObject({ kind: 'unknown', reason: 'too-large' });
  });
  test('an answer that does not end', async () => {
    expect(await rest().jars()).toMatchObject({ kind: 'unknown', reason: 'timeout' });
  });
  test('a job that Flink does not know', async () => {
    expect(await rest().job('1')).toMatchObject({ kind: 'not-found', message: 'Job 1 not found' });
  });
  test('a connection that breaks: a write may have been done, a read changes nothing', async () => {
    expect(await rest().cancel('2')).toMatchObject({ kind: 'unknown', reason: 'unreachable', maybeDone: true });
    expect(await rest().jobStatus('2')).toMatchObject({ kind: 'unknown', reason: 'unreachable', maybeDone: false });
  });
  test('nobody there: a write was certainly not done', async () => {
    const nobody = flinkRest({ baseUrl: 'http://127.0.0.1:1', transport: http.transport }, { major: 1, minor: 20 });
    expect(await nobody.cancel('2')).toMatchObject({ kind: 'unknown', reason: 'unreachable', maybeDone: false });
  });
  test('a caller who gives up', async () => {
    expect(await rest().jars({ signal: AbortSignal.abort() })).toMatchObject({ kind: 'unknown', reason: 'aborted' });
  });
});

test('older versions are not sent what they would refuse', async () => {
  const bodies: unknown[] = [];
  const transport = (request: FlinkRequest) => {
    bodies.push(JSON.parse(String(request.body)));
    return Promise.resolve({ status: 202, body: '{"request-id":"a","jobid":"b"}' });
  };
  const at = (minor: number) => flinkRest({ baseUrl: 'http://x', transport }, { major: 1, minor });
  await at(14).triggerSavepoint('j', { formatType: 'NATIVE', triggerId: 't' });
  await at(15).triggerSavepoint('j', { formatType: 'NATIVE', triggerId: 't' });
  await at(16).runJar('r', { claimMode: 'CLAIM', flinkConfiguration: { a: 'b' } });
  await at(20).runJar('r', { claimMode: 'CLAIM', flinkConfiguration: { a: 'b' } });
  expect(bodies).toEqual([
    { 'cancel-job': false },
    { 'cancel-job': false, formatType: 'NATIVE', triggerId: 't' },
    { restoreMode: 'CLAIM' },
    { claimMode: 'CLAIM', flinkConfiguration: { a: 'b' } },
  ]);
});

test('the savepoint of a stop that failed afterwards is found in the message', () => {
  const className = 'org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException';
  const stackTrace = `${className}: A savepoint has been created at: s3://b/savepoint-1, but the corresponding job 1 failed.`;
  expect(savepointInFailure({ className, stackTrace })).toBe('s3://b/savepoint-1');
  expect(savepointInFailure({ className: 'java.lang.Exception', stackTrace: 'created at: x,' })).toBeUndefined();
});
