import type { HttpRequest } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { runSeed } from './run-seed.ts';
import type { Tamper } from './scope.ts';
import { SECRET } from './specs.ts';

type Json = Record<string, unknown>;

/** A safety rule, and a bug in what the operator does that breaks it. */
interface Planted {
  readonly rule: string;
  readonly bug: string;
  /** A fresh one for each seed. */
  readonly tamper: () => Tamper;
}

const STATE_PATH = /file:\/[^\s'"]*(?:savepoint-[0-9a-f-]+|chk-\d+)/;
const isPost = ({ method, path }: HttpRequest, plural: string): boolean =>
  method === 'POST' && path.split('?')[0]?.endsWith(`/${plural}`) === true;
const isStatus = ({ method, path }: HttpRequest): boolean =>
  method === 'PUT' && /\/flinkdeployments\/[^/]+\/status/.test(path);

function withBody(request: HttpRequest, change: (text: string) => string): HttpRequest {
  return typeof request.body === 'string' ? { ...request, body: change(request.body) } : request;
}

function withStatus(request: HttpRequest, change: (status: Json, object: Json) => Json): HttpRequest {
  if (!isStatus(request)) return request;
  return withBody(request, (text) => {
    const object = JSON.parse(text) as Json;
    return JSON.stringify({ ...object, status: change((object.status ?? {}) as Json, object) });
  });
}

/** Changes the configuration that a JobManager gets. */
const configuration =
  (change: (text: string) => string): Tamper =>
  (request) =>
    isPost(request, 'configmaps') ? withBody(request, change) : request;

const planted: readonly Planted[] = [
  {
    rule: 'no start from empty state',
    bug: 'the path of the savepoint is left out of the configuration',
    tamper: () => configuration((text) => text.replaceAll(/execution\.savepoint\.path: (?:[^\\]|\\[^n])*\\n/g, '')),
  },
  {
    rule: 'newest restorable state',
    bug: 'every start is made from the first savepoint',
    tamper: () => {
      let first: string | undefined;
      return configuration((text) => {
        first ??= STATE_PATH.exec(text)?.[0];
        return first === undefined ? text : text.replace(STATE_PATH, first);
      });
    },
  },
  {
    rule: 'one run at a time',
    bug: 'the pods of the old cluster are orphaned, and nobody looks whether they are gone',
    tamper: () => (request) => {
      if (request.method === 'DELETE' && request.path.includes('/deployments/')) {
        return withBody(request, (text) =>
          JSON.stringify({ ...(JSON.parse(text) as Json), propagationPolicy: 'Orphan' }),
        );
      }
      if (request.method !== 'GET' || request.mode === 'stream') return request;
      const isRemains = /\/namespaces\/default\/(pods\?|services\/|deployments\/)/.test(request.path);
      return isRemains ? { ...request, path: request.path.replace(/job-\d/, 'nobody') } : request;
    },
  },
  {
    rule: 'intent before effect',
    bug: 'a stop is not recorded before it is triggered',
    tamper: () => (request) =>
      withStatus(request, (status) =>
        (status.operation as Json | undefined)?.phase === 'stopping' ? { ...status, operation: null } : status,
      ),
  },
  {
    rule: 'no generation is claimed too early',
    bug: 'the generation is claimed when the stop begins',
    tamper: () => (request) =>
      withStatus(request, (status, { metadata }) => ({ ...status, observedGeneration: (metadata as Json).generation })),
  },
  {
    rule: 'no record in use is deleted',
    bug: 'before a job is taken up again its record of checkpoints is deleted, not only its stored graph',
    tamper: () => {
      const jobs = new Map<string, string>();
      return (request) => {
        const text = typeof request.body === 'string' ? request.body : '';
        const job = /job-id[^0-9a-f]+([0-9a-f]{32})/.exec(text)?.[1];
        const name = /flink-config-(job-\d)/.exec(text)?.[1];
        if (isPost(request, 'configmaps') && job !== undefined && name !== undefined) jobs.set(name, job);
        const [, cluster = ''] = /\/configmaps\/(job-\d)-cluster-config-map/.exec(request.path) ?? [];
        if (request.method !== 'PATCH' || !jobs.has(cluster)) return request;
        const path = `/api/v1/namespaces/default/configmaps/${cluster}-${jobs.get(cluster)}-config-map`;
        return { ...request, method: 'DELETE', path, body: '{}', headers: { 'content-type': 'application/json' } };
      };
    },
  },
  {
    rule: 'no secret is told',
    bug: 'an event tells the configuration',
    tamper: () => (request) =>
      isPost(request, 'events')
        ? withBody(request, (text) => text.replace('"message":"', `"message":"${SECRET} `))
        : request,
  },
  {
    rule: 'converges',
    bug: 'the status never says that an upgrade is over',
    tamper: () => (request) => withStatus(request, (status) => ({ ...status, lifecycleState: 'UPGRADING' })),
  },
];

const SEEDS = 40;

describe('A bug in the operator', () => {
  it.each(planted)('$bug: found by the rule "$rule"', { timeout: 120_000 }, async ({ rule, tamper }) => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SEEDS && !broken.includes(rule); seed++) {
      const { violations } = await runSeed(seed, { tamper: tamper() });
      broken.push(...violations.map((one) => one.rule));
    }
    expect(broken).toContain(rule);
  });
});
