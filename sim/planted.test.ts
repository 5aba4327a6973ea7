import type { FlinkRequest } from '@drey/flink';
import type { HttpRequest } from '@drey/kube';
import { SeededRandom } from '@drey/kube/testing';
import { describe, expect, it } from 'vitest';
import { STAYS } from './namespace-oracle.ts';
import { KEPT } from './replacement-oracle.ts';
import { runSeed } from './run-seed.ts';
import { drawScenario, HOME, TEAM } from './scenario.ts';
import type { Tamper } from './scope.ts';
import { SECRET } from './specs.ts';

type Json = Record<string, unknown>;

/**
 * The rules by which a violation is named, with the numbers of the safety rules they stand for: no job twice (1), never from
 * empty or older state (2, 3), nothing in use deleted (4), recorded before done (5), converges and claims nothing (6), a failed
 * reading destroys nothing (7), nothing crosses a namespace (8), secrets are told to nobody (9).
 */
const SAFETY_RULES = {
  'one run at a time': [1],
  'no start from empty state': [2, 3],
  'newest restorable state': [2, 3],
  'no record in use is deleted': [4],
  'intent before effect': [5],
  'no generation is claimed too early': [6],
  converges: [6],
  [STAYS]: [8],
  [KEPT]: [7],
  'no secret is told': [9],
} as const;

/** A safety rule, and a bug in what the operator does that breaks it. */
interface Planted {
  readonly rule: keyof typeof SAFETY_RULES;
  readonly bug: string;
  /** The number of a rule that it breaks besides. */
  readonly breaks?: number;
  /** A fresh one for each seed. */
  readonly tamper: () => Tamper;
}

const STATE_PATH = /file:\/[^\s'"]*(?:savepoint-[0-9a-f-]+|chk-\d+)/;
const isPost = ({ method, path }: HttpRequest, plural: string): boolean =>
  method === 'POST' && path.split('?')[0]?.endsWith(`/${plural}`) === true;

function withText<T extends HttpRequest | FlinkRequest>(request: T, change: (text: string) => string): T {
  return typeof request.body === 'string' ? { ...request, body: change(request.body) } : request;
}

function withJson<T extends HttpRequest | FlinkRequest>(request: T, change: (body: Json) => Json): T {
  return withText(request, (text) => JSON.stringify(change(JSON.parse(text) as Json)));
}

/** Changes what is written into the status of a kind. */
const status = (plural: string, change: (status: Json, object: Json) => Json): Tamper => ({
  kube: (request) =>
    request.method === 'PUT' && new RegExp(`/${plural}/[^/]+/status`).test(request.path)
      ? withJson(request, (object) => ({ ...object, status: change((object.status ?? {}) as Json, object) }))
      : request,
});

/** Changes the configuration that a JobManager gets. */
const configuration = (change: (text: string) => string): Tamper => ({
  kube: (request) => (isPost(request, 'configmaps') ? withText(request, change) : request),
});

/** Changes what Flink is asked to do at a path. */
const asked = (path: RegExp, change: (body: Json) => Json): Tamper => ({
  flink: (request) =>
    request.method === 'POST' && path.test(request.url) && typeof request.body === 'string'
      ? withJson(request, change)
      : request,
});

const elsewhere = (namespace: string): string => (namespace === HOME ? TEAM : HOME);

/** The same path of state for every start: the first that there was. */
function firstPath(): (path: string) => string {
  let first: string | undefined;
  return (path) => {
    first ??= path;
    return first;
  };
}

const planted: readonly Planted[] = [
  {
    rule: 'no start from empty state',
    bug: 'the path of the savepoint is left out of the configuration',
    tamper: () => configuration((text) => text.replaceAll(/execution\.savepoint\.path: (?:[^\\]|\\[^n])*\\n/g, '')),
  },
  {
    rule: 'no start from empty state',
    bug: 'a session job is run without the path of its savepoint',
    tamper: () => asked(/\/jars\/[^/]+\/run/, ({ savepointPath: _, ...body }) => body),
  },
  {
    rule: 'newest restorable state',
    bug: 'every start is made from the first savepoint',
    tamper: () => {
      const first = firstPath();
      return configuration((text) => text.replace(STATE_PATH, first));
    },
  },
  {
    rule: 'newest restorable state',
    bug: 'every run of a session job is made from the first savepoint',
    tamper: () => {
      const first = firstPath();
      return asked(/\/jars\/[^/]+\/run/, (body) =>
        typeof body.savepointPath === 'string' ? { ...body, savepointPath: first(body.savepointPath) } : body,
      );
    },
  },
  {
    rule: 'one run at a time',
    bug: 'the pods of the old cluster are orphaned with their job, and nobody looks whether they are gone',
    tamper: () => ({
      flink: (request) =>
        request.method === 'PATCH'
          ? { ...request, method: 'GET', url: request.url.replace(/\/jobs\/.*/, '/jobs') }
          : request,
      kube: (request) => {
        if (request.method === 'DELETE' && request.path.includes('/deployments/')) {
          return withJson(request, (body) => ({ ...body, propagationPolicy: 'Orphan' }));
        }
        if (request.method !== 'GET' || request.mode === 'stream') return request;
        const isRemains = /\/namespaces\/[a-z]+\/(pods\?|services\/)/.test(request.path);
        return isRemains ? { ...request, path: request.path.replace(/job-\d/, 'nobody') } : request;
      },
    }),
  },
  {
    rule: 'one run at a time',
    bug: 'a session job whose cluster does not answer is taken for gone',
    breaks: 7,
    tamper: () => ({
      unanswered: ({ method, url }) => {
        if (method !== 'GET') return undefined;
        if (url.endsWith('/jobs/overview')) return { status: 200, body: '{"jobs":[]}' };
        return /\/jobs\/[0-9a-f]{32}/.test(url) ? { status: 404, body: '{"errors":["Not found."]}' } : undefined;
      },
    }),
  },
  {
    rule: 'intent before effect',
    bug: 'a stop is triggered under another id than the recorded one',
    tamper: () => asked(/\/jobs\/[^/]+\/stop/, (body) => ({ ...body, triggerId: 'f'.repeat(32) })),
  },
  {
    rule: 'intent before effect',
    bug: 'a session job is run under another id than the recorded one',
    tamper: () => {
      let runs = 0;
      return asked(/\/jars\/[^/]+\/run/, (body) => ({ ...body, jobId: String(++runs).padStart(32, 'e') }));
    },
  },
  {
    rule: 'intent before effect',
    bug: 'a savepoint for a snapshot is triggered under another id than the recorded one',
    tamper: () => asked(/\/jobs\/[^/]+\/savepoints/, (body) => ({ ...body, triggerId: 'f'.repeat(32) })),
  },
  {
    rule: 'no generation is claimed too early',
    bug: 'the generation is claimed when the stop begins',
    tamper: () =>
      status('flinkdeployments', (told, { metadata }) => ({
        ...told,
        observedGeneration: (metadata as Json).generation,
      })),
  },
  {
    rule: 'no generation is claimed too early',
    bug: 'the generation of a session job is claimed when its stop begins',
    tamper: () =>
      status('flinksessionjobs', (told, { metadata }) => ({
        ...told,
        observedGeneration: (metadata as Json).generation,
      })),
  },
  {
    rule: 'no record in use is deleted',
    bug: 'before a job is taken up again its record of checkpoints is deleted, not only its stored graph',
    tamper: () => {
      const jobs = new Map<string, string>();
      return {
        kube: (request) => {
          const text = typeof request.body === 'string' ? request.body : '';
          const job = /job-id[^0-9a-f]+([0-9a-f]{32})/.exec(text)?.[1];
          const name = /flink-config-(job-\d)/.exec(text)?.[1];
          if (isPost(request, 'configmaps') && job !== undefined && name !== undefined) jobs.set(name, job);
          const [, base = '', cluster = ''] = /^(.*\/configmaps\/)(job-\d)-cluster-config-map/.exec(request.path) ?? [];
          if (request.method !== 'PATCH' || !jobs.has(cluster)) return request;
          const path = `${base}${cluster}-${jobs.get(cluster)}-config-map`;
          return { ...request, method: 'DELETE', path, body: '{}', headers: { 'content-type': 'application/json' } };
        },
      };
    },
  },
  {
    rule: 'no record in use is deleted',
    bug: 'a savepoint is disposed of as soon as a job is to start from it',
    tamper: () => {
      let path: string | undefined;
      const seen = status('flinkdeployments', (told) => {
        path ??= (told.jobStatus as Json | undefined)?.upgradeSavepointPath as string | undefined;
        return told;
      });
      return {
        ...seen,
        flink: (request) => {
          if (path === undefined || request.method !== 'GET' || !/\/(overview|jobs)$/.test(request.url)) return request;
          const url = request.url.replace(/\/(overview|jobs\/overview|jobs)$/, '/savepoint-disposal');
          const body = JSON.stringify({ 'savepoint-path': path });
          return { ...request, method: 'POST', url, body, headers: { 'content-type': 'application/json' } };
        },
      };
    },
  },
  {
    rule: 'no record in use is deleted',
    bug: 'a start is told to delete its own directory of results, not that of the start before',
    tamper: () => ({
      kube: (request) => {
        if (!isPost(request, 'deployments')) return request;
        const id = /org\/operation":"([0-9a-f]{32})/.exec(String(request.body))?.[1];
        return withText(request, (text) =>
          id === undefined ? text : text.replaceAll(/(job-result-store\/job-\d\/)[0-9a-f]{32}/g, `$1${id}`),
        );
      },
    }),
  },
  {
    rule: STAYS,
    bug: 'the Services of a cluster are made in the other namespace (namesakes)',
    tamper: () => ({
      kube: (request) => {
        const [, namespace = ''] = /\/namespaces\/([a-z]+)\/services/.exec(request.path) ?? [];
        if (!isPost(request, 'services')) return request;
        const path = request.path.replace(`/${namespace}/`, `/${elsewhere(namespace)}/`);
        const named = (text: string): string =>
          text.replaceAll(`"namespace":"${namespace}"`, `"namespace":"${elsewhere(namespace)}"`);
        return withText({ ...request, path }, named);
      },
    }),
  },
  {
    rule: STAYS,
    bug: 'session jobs are run on the cluster of the same name in the other namespace (namesakes)',
    tamper: () => ({
      flink: (request) => {
        const url = request.url.replace(/-rest\.([a-z]+):/, (_, namespace) => `-rest.${elsewhere(namespace)}:`);
        return request.method === 'POST' ? { ...request, url } : request;
      },
    }),
  },
  {
    rule: STAYS,
    bug: 'pods run as the account of the operator',
    tamper: () => ({
      kube: (request) =>
        isPost(request, 'deployments')
          ? withText(request, (text) => text.replaceAll('"serviceAccountName":"flink"', '"serviceAccountName":"drey"'))
          : request,
    }),
  },
  {
    rule: KEPT,
    bug: 'Deployments are not followed, and who does not know one asks for another',
    tamper: () => ({
      kube: (request) => {
        if (request.method !== 'GET' || !request.path.includes('/apis/apps/v1/')) return request;
        const path = /\/deployments\/job-\d$/.test(request.path)
          ? `${request.path}-lost`
          : request.path.includes('watch=true')
            ? request.path.replace(/labelSelector=[^&]*/, 'labelSelector=nobody')
            : request.path;
        return { ...request, path };
      },
    }),
  },
  {
    rule: 'no secret is told',
    bug: 'an event tells the configuration',
    tamper: () => ({
      kube: (request) =>
        isPost(request, 'events')
          ? withText(request, (text) => text.replace('"message":"', `"message":"${SECRET} `))
          : request,
    }),
  },
  {
    rule: 'no secret is told',
    bug: 'the error of a session job tells the configuration',
    tamper: () => status('flinksessionjobs', (told) => ({ ...told, error: `s3.secret-key: ${SECRET}` })),
  },
  {
    rule: 'converges',
    bug: 'the status never says that an upgrade is over',
    tamper: () => status('flinkdeployments', (told) => ({ ...told, lifecycleState: 'UPGRADING' })),
  },
  {
    rule: 'converges',
    bug: 'the status of a snapshot never says that it is complete',
    tamper: () => status('flinkstatesnapshots', (told) => ({ ...told, state: 'IN_PROGRESS' })),
  },
];

/** How many seeds are tried, and how many of them may be passed over because they are about something else. */
const SEEDS = 60;
const DRAWN = 2_000;

/** Whether a seed's scenario changes objects that a bug is about, more than once. */
function isAbout(seed: number, bug: string): boolean {
  const kind = bug.includes('session job') ? 'FlinkSessionJob' : 'FlinkDeployment';
  const { actions } = drawScenario(new SeededRandom(seed));
  const changes = actions.filter((one) => one.do === 'change' && one.subject.kind === kind);
  const isSession = actions.some(({ subject }) => subject.kind === 'FlinkSessionJob');
  const hasSnapshot = actions.some(({ subject }) => subject.kind === 'FlinkStateSnapshot');
  const namespaces = new Set(actions.map(({ subject }) => subject.namespace));
  return (
    changes.length > 1 &&
    isSession === (kind === 'FlinkSessionJob') &&
    (hasSnapshot || !bug.includes('snapshot')) &&
    (namespaces.size > 1 || !bug.includes('namesakes'))
  );
}

describe('A bug in the operator', () => {
  it.each(planted)('$bug: found by the rule "$rule"', { timeout: 300_000 }, async ({ rule, bug, tamper }) => {
    const broken: string[] = [];
    const seeds = Array.from({ length: DRAWN }, (_, i) => i + 1).filter((seed) => isAbout(seed, bug));
    for (const seed of seeds.slice(0, SEEDS)) {
      const { violations } = await runSeed(seed, { tamper: tamper() });
      broken.push(...violations.map((one) => one.rule));
      if (broken.includes(rule)) break;
    }
    expect(broken).toContain(rule);
  });

  it('is planted for each of the nine safety rules', () => {
    const broken = planted.flatMap(({ rule, breaks }) => [
      ...SAFETY_RULES[rule],
      ...(breaks === undefined ? [] : [breaks]),
    ]);
    expect([...new Set(broken)].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
