import { afterAll, describe, expect, test } from 'vitest';
import { goldenArea } from '../../../../golden/golden.ts';
import { type Answer, type FlinkRest, type FlinkTransport, flinkRest, parseFlinkVersion } from '../index.ts';

interface Exchange {
  readonly note: string;
  readonly request: { readonly method: string; readonly path: string; readonly body: Record<string, unknown> | null };
  readonly response: { readonly status: number; readonly body: unknown };
}

const area = goldenArea('flink-rest');
const counts = { passed: 0, total: 0, other: 0 };
afterAll(() =>
  console.log(
    `flink-rest: ${counts.passed} of ${counts.total} (${counts.other} recorded requests the client never makes)`,
  ),
);

const body = (one: Exchange): Record<string, never> => (one.request.body ?? {}) as Record<string, never>;

/** The client's method for a recorded request, or undefined for requests that the client never makes. */
const ROUTES: readonly [RegExp, (rest: FlinkRest, match: string[], one: Exchange) => Promise<Answer<unknown>>][] = [
  [/^GET \/overview$/, (rest) => rest.overview()],
  [/^GET \/config$/, (rest) => rest.dashboardConfig()],
  [/^GET \/jobmanager\/config$/, (rest) => rest.jobManagerConfig()],
  [/^GET \/jobs$/, (rest) => rest.jobs()],
  [/^GET \/jobs\/overview$/, (rest) => rest.jobsOverview()],
  [/^GET \/jobs\/(\w+)$/, (rest, [job = '']) => rest.job(job)],
  [/^GET \/jobs\/(\w+)\/status$/, (rest, [job = '']) => rest.jobStatus(job)],
  [/^GET \/jobs\/(\w+)\/exceptions/, (rest, [job = '']) => rest.exceptions(job, 20)],
  [/^GET \/jobs\/(\w+)\/execution-result$/, (rest, [job = '']) => rest.executionResult(job)],
  [/^GET \/jobs\/(\w+)\/checkpoints$/, (rest, [job = '']) => rest.checkpoints(job)],
  [/^GET \/jobs\/(\w+)\/checkpoints\/config$/, (rest, [job = '']) => rest.checkpointConfig(job)],
  [/^GET \/jobs\/(\w+)\/checkpoints\/details\/(\d+)$/, (rest, [job = '', id]) => rest.checkpoint(job, Number(id))],
  [/^GET \/jobs\/(\w+)\/checkpoints\/(\w{32})$/, (rest, [job = '', id = '']) => rest.checkpointOperation(job, id)],
  [/^GET \/jobs\/(\w+)\/savepoints\/(\w+)$/, (rest, [job = '', id = '']) => rest.savepointOperation(job, id)],
  [
    /^POST \/jobs\/(\w+)\/savepoints$/,
    (rest, [job = ''], one) => {
      const { 'target-directory': targetDirectory, 'cancel-job': _, ...more } = body(one);
      return rest.triggerSavepoint(job, targetDirectory === undefined ? more : { targetDirectory, ...more });
    },
  ],
  [
    /^POST \/jobs\/(\w+)\/stop$/,
    (rest, [job = ''], one) => rest.stopWithSavepoint(job, { drain: false, ...body(one) }),
  ],
  [/^POST \/jobs\/(\w+)\/checkpoints$/, (rest, [job = ''], one) => rest.triggerCheckpoint(job, body(one))],
  [/^POST \/savepoint-disposal$/, (rest, _, one) => rest.disposeSavepoint(String(body(one)['savepoint-path']))],
  [/^GET \/savepoint-disposal\/(\w+)$/, (rest, [id = '']) => rest.disposalOperation(id)],
  [/^PATCH \/jobs\/(\w+)\?mode=cancel$/, (rest, [job = '']) => rest.cancel(job)],
  [/^GET \/jobs\/(\w+)\/resource-requirements$/, (rest, [job = '']) => rest.resourceRequirements(job)],
  [
    /^PUT \/jobs\/(\w+)\/resource-requirements$/,
    (rest, [job = ''], one) => {
      const vertices = Object.entries(body(one)).map(([id, { parallelism }]) => [id, parallelism] as const);
      return rest.updateResourceRequirements(job, new Map(vertices));
    },
  ],
  [/^GET \/taskmanagers$/, (rest) => rest.taskManagers()],
  [
    /^GET (\/jobmanager|\/jobs\/\w+)\/metrics\?get=([^&]+)$/,
    (rest, [scope = '', get = '']) => rest.metrics(scope, get.split(',')),
  ],
  [
    /^GET \/jobs\/(\w+)\/vertices\/(\w+)\/subtasks\/metrics\?get=([^&]+)/,
    (rest, [job = '', vertex = '', get = '']) => rest.vertexMetrics(job, vertex, get.split(',')),
  ],
  [/^GET \/jars$/, (rest) => rest.jars()],
  [/^POST \/jars\/upload$/, (rest) => rest.uploadJar('job.jar', new Uint8Array([1]))],
  [
    /^POST \/jars\/([^/]+)\/run$/,
    (rest, [jar = ''], one) => {
      const { programArgsList, claimMode, restoreMode, ...more } = body(one);
      const claim = claimMode ?? restoreMode;
      return rest.runJar(jar, {
        ...more,
        ...(programArgsList === undefined ? {} : { programArgs: programArgsList }),
        ...(claim === undefined ? {} : { claimMode: claim }),
      });
    },
  ],
  [/^DELETE \/jars\/([^/]+)$/, (rest, [jar = '']) => rest.deleteJar(jar)],
  [/^DELETE \/cluster$/, (rest) => rest.shutDownCluster()],
];

/** The kinds an answer with a recorded status may have. */
function expectedKinds(status: number): string[] {
  if (status < 300) return ['ok'];
  if (status === 404) return ['not-found'];
  return status >= 500 ? ['unknown', 'rejected', 'not-found'] : ['rejected'];
}

/** Values of the recorded JSON that must reappear in what the client made of it. */
function leaves(value: unknown, at: string, out: Map<string, unknown>): Map<string, unknown> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) leaves(item, `${at}/${key}`, out);
  } else if (value !== null) {
    out.set(at, value);
  }
  return out;
}

function strings(value: unknown): Set<string> {
  const out = new Set<string>();
  const visit = (item: unknown): void => {
    if (item instanceof Map) for (const [key, one] of item) [key, one].forEach(visit);
    else if (typeof item === 'object' && item !== null)
      for (const [key, one] of Object.entries(item)) [key, one].forEach(visit);
    else out.add(String(item));
  };
  visit(value);
  return out;
}

describe.each(area.files)('%s', (file) => {
  const version = parseFlinkVersion(/rest-([^-]+)-/.exec(file)?.[1] ?? '');
  const exchanges = area.json<Exchange[]>(file).map((one, index) => [index, one.note, one] as const);
  test.each(exchanges)('%i: %s', async (_index, _note, one) => {
    const line = `${one.request.method} ${one.request.path}`;
    const route = ROUTES.find(([pattern]) => pattern.test(line));
    if (route === undefined) {
      counts.other += 1;
      expect(line).toMatch(/\/nonsense$|\/plan$|\/config$|\/accumulators$|\/vertices\/|mode=nonsense$/);
      return;
    }
    counts.total += 1;
    const transport: FlinkTransport = (request) => {
      expect(request.method).toBe(one.request.method);
      const path = request.url.slice('http://flink'.length);
      expect(decodeURIComponent(path).split(/[?&](?:agg|maxExceptions)=/)[0]).toBe(
        one.request.path.split(/[?&](?:agg|maxExceptions)=/)[0],
      );
      return Promise.resolve({ status: one.response.status, body: JSON.stringify(one.response.body) });
    };
    const rest = flinkRest({ baseUrl: 'http://flink', transport }, version);
    const answer = await route[1](rest, (route[0].exec(line) ?? []).slice(1), one);
    expect(expectedKinds(one.response.status), JSON.stringify(answer)).toContain(answer.kind);
    if (answer.kind === 'ok') {
      const made = strings(answer.value);
      const kept = [...leaves(one.response.body, '', new Map())].filter(([path]) => mustBeKept(path, line));
      expect(kept.filter(([, value]) => !made.has(String(value)) && !made.has(basename(value)))).toEqual([]);
    } else {
      expect(answer.message.length).toBeGreaterThan(5);
    }
    counts.passed += 1;
  });
});

/** Ids, names, states, paths and numbers that callers decide by. */
function mustBeKept(path: string, line: string): boolean {
  if (
    path === '/timestamp' ||
    /^(?:PATCH|PUT|DELETE) /.test(line) ||
    path.includes('/plan/') ||
    path.includes('/summary/')
  )
    return false;
  return (
    /\/(?:jid|id|jobid|state|request-id|location|external_path|checkpointId|trigger_timestamp|state_size|exceptionName|timestamp|parallelism|lowerBound|upperBound|filename|flink-version|slots-[a-z]+|jobs-[a-z]+|freeSlots|value|sum|max|interval|application-status)$/.test(
      path,
    ) && !/\/status\/id$/.test(path)
  );
}

function basename(value: unknown): string {
  return String(value).split('/').at(-1) ?? '';
}
