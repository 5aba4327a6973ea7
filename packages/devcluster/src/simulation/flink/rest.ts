import type { SimulatedJobManager } from './jobmanager.ts';
import { type Body, type Call, metrics } from './rest-call.ts';
import { ok, type RestAnswer } from './rest-errors.ts';
import { jars } from './rest-jars.ts';
import { jobs } from './rest-jobs.ts';
import * as shape from './rest-shapes.ts';
import { disposal } from './rest-snapshots.ts';

/**
 * Answers a request as Flink's REST API does. A process that is dead or still starting does not come here: the caller then
 * refuses the connection.
 */
export function handleRest(jm: SimulatedJobManager, method: string, target: string, body: unknown): RestAnswer {
  const [path = '', search = ''] = target.split('?', 2);
  const parts = path
    .replace(/^\/v1(?=\/)/, '')
    .split('/')
    .filter(Boolean);
  const call: Call = { jm, parts, query: new URLSearchParams(search), body: isBody(body) ? body : {} };
  return route(method, call) ?? { status: 404, body: { errors: [`Unable to load requested file ${path}.`] } };
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function route(method: string, call: Call): RestAnswer | undefined {
  const { jm, parts } = call;
  const [first] = parts;
  const single = `${method} /${parts.join('/')}`;
  switch (single) {
    case 'GET /overview':
      return ok(overview(jm));
    case 'GET /config':
      return ok(config(jm));
    case 'GET /jobmanager/config':
      return ok([{ key: 'blob.server.port', value: '6124' }]);
    case 'GET /jobmanager/metrics':
      return ok(
        metrics(call, { numRegisteredTaskManagers: jm.taskManagers.size, 'Status.JVM.Memory.Heap.Used': 100_000_000 }),
      );
    case 'GET /jobs':
      return ok({ jobs: [...jm.jobs.values()].map((one) => ({ id: one.spec.jobId, status: one.state })) });
    case 'GET /jobs/overview':
      return ok({ jobs: [...jm.jobs.values()].map((one) => shape.jobOverview(jm, one)) });
    case 'GET /taskmanagers':
      return ok({ taskmanagers: [...jm.taskManagers.values()].map((one) => shape.taskManager(one, jm)) });
    case 'DELETE /cluster':
      jm.shutDown();
      return ok({});
    default:
  }
  if (first === 'jars' && jm.options.application === undefined) return jars(method, call);
  if (first === 'jobs') return jobs(method, call);
  if (first === 'savepoint-disposal') return disposal(method, call);
  return undefined;
}

function overview(jm: SimulatedJobManager): object {
  const states = [...jm.jobs.values()].map((one) => one.state);
  const number = (state: string): number => states.filter((one) => one === state).length;
  const ended = number('FINISHED') + number('CANCELED') + number('FAILED');
  return {
    taskmanagers: jm.taskManagers.size,
    'slots-total': jm.slotsTotal,
    'slots-available': jm.slotsFree,
    'jobs-running': states.length - ended,
    'jobs-finished': number('FINISHED'),
    'jobs-cancelled': number('CANCELED'),
    'jobs-failed': number('FAILED'),
    'flink-version': jm.options.version,
    'flink-commit': '0000000',
  };
}

function config(jm: SimulatedJobManager): object {
  return {
    'refresh-interval': 3000,
    'timezone-name': 'Coordinated Universal Time',
    'timezone-offset': 0,
    'flink-version': jm.options.version,
    'flink-revision': '0000000 @ 1970-01-01T00:00:00Z',
    features: { 'web-submit': true, 'web-cancel': true, 'web-rescale': true, 'web-history': false },
  };
}
