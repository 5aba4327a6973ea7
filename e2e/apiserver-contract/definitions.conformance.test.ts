import { type ChildProcess, spawn } from 'node:child_process';
import { allCrds } from '@drey/api';
import { wrongResources } from '@drey/operator/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goldenArea } from '../../golden/golden.ts';
import { root } from '../../scripts/process.ts';
import { type Answer, Connection, freshName } from './connection.ts';

/*
 * The definitions of the kinds on the embedded server and on a real kube-apiserver: both take them, rules and costs included, and
 * both say the same about every resource of the recorded validation vectors and of the corpus of wrong resources.
 */

interface Held {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name?: string };
  readonly spec?: Record<string, unknown>;
  readonly status?: { readonly reconciliationStatus?: { readonly lastReconciledSpec?: string } };
}

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly object: Held;
  /** What validation says, where it was recorded: null for nothing, or one of several things, or a fault. */
  readonly error: string | null | undefined;
  readonly errorAnyOf?: readonly string[];
  readonly exception?: string;
}

const area = goldenArea('operator-classes');
const vectors = (area.files.includes('validation.json') ? area.json<Case[]>('validation.json') : []).filter(
  ({ object }) =>
    object.spec !== undefined &&
    object.spec !== null &&
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(object.metadata.name ?? ''),
);
const wrong: Case[] = wrongResources().map(({ id, kind, object }) => ({ id, kind, object, error: undefined }));

/** What a server says about a resource. */
type Verdict = 'accepted' | readonly string[];

class Server {
  readonly #connection: Connection;
  readonly #namespace: string;

  constructor(connection: Connection, namespace: string) {
    this.#connection = connection;
    this.#namespace = namespace;
  }

  static async open(url: string, token: string): Promise<Server> {
    const connection = new Connection(url, token);
    for (const crd of allCrds()) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
      const answer = await connection.apply(path, 'drey-conformance', crd, '&force=true');
      expect(answer.body?.message ?? '', crd.metadata.name).toBe('');
    }
    const namespace = freshName('definitions');
    await connection.post('/api/v1/namespaces', { metadata: { name: namespace } });
    const server = new Server(connection, namespace);
    for (const { plural } of PLURALS) {
      for (let i = 0; i < 100 && (await connection.get(server.#path(plural))).status !== 200; i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
    return server;
  }

  #path(plural: string): string {
    return `/apis/flink.apache.org/v1beta1/namespaces/${this.#namespace}/${plural}`;
  }

  async judge({ kind, object }: Case): Promise<Verdict> {
    const path = this.#path(`${kind.toLowerCase()}s`);
    const whole = {
      apiVersion: 'flink.apache.org/v1beta1',
      kind,
      metadata: { name: object.metadata.name },
      spec: object.spec ?? {},
    };
    const recorded = object.status?.reconciliationStatus?.lastReconciledSpec;
    if (typeof recorded !== 'string') return verdict(await this.#connection.post(`${path}?dryRun=All`, whole));
    return this.#judgeChange(path, whole, recorded);
  }

  /** A change of something that was deployed: created as it is recorded, with the record in its status. */
  async #judgeChange(path: string, whole: object & Pick<Held, 'spec'>, recorded: string): Promise<Verdict> {
    const before = withoutNulls(recordedSpec(recorded));
    const name = freshName('case');
    const created = await this.#connection.post(path, { ...whole, metadata: { name }, spec: before });
    if (created.status !== 201) return ['the recorded spec cannot be created', ...(verdict(created) as string[])];
    const status = { reconciliationStatus: { lastReconciledSpec: recorded, state: 'DEPLOYED' } };
    const stored = await this.#connection.put(`${path}/${name}/status`, { ...created.body, status });
    expect(stored.status).toBe(200);
    const changed = { ...stored.body, spec: whole.spec };
    const told = verdict(await this.#connection.put(`${path}/${name}?dryRun=All`, changed));
    await this.#connection.delete(`${path}/${name}`);
    return told;
  }

  async close(): Promise<void> {
    await this.#connection.delete(`/api/v1/namespaces/${this.#namespace}`);
    await this.#connection.close();
  }
}

const PLURALS = allCrds().map((crd) => ({ plural: crd.spec.names.plural }));

function verdict({ status, body }: Answer): Verdict {
  if (status === 200 || status === 201) return 'accepted';
  expect(status, JSON.stringify(body)).toBe(422);
  const causes = (body.details?.causes ?? []) as { field?: string; message?: string }[];
  return causes.map(({ field, message }) => `${field}: ${message}`).sort();
}

/** Undefined for a text that is no record, or one of the old form. */
function recordedSpec(recorded: string): unknown {
  try {
    return (JSON.parse(recorded) as { spec?: unknown }).spec;
  } catch {
    return undefined;
  }
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(entries.map(([key, member]) => [key, withoutNulls(member)]));
}

let embeddedProcess: ChildProcess | undefined;
let embedded: Server | undefined;
let real: Server | undefined;

/** Starts `drey apiserver` as a user would. */
async function openEmbedded(): Promise<Server> {
  const args = ['packages/cli/src/main.ts', 'apiserver', '--memory', '--port', '0', '--token', 'definitions-token'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  embeddedProcess = child;
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += chunk;
    const url = /https:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    if (url) return Server.open(url, 'definitions-token');
  }
  throw new Error(`drey apiserver ended without an address: ${text}`);
}

const { DREY_REAL_APISERVER: url, DREY_REAL_APISERVER_TOKEN: token } = process.env;

beforeAll(async () => {
  embedded = await openEmbedded();
  if (url && token) real = await Server.open(url, token);
});

afterAll(async () => {
  await embedded?.close();
  await real?.close();
  if (embeddedProcess === undefined || embeddedProcess.exitCode !== null) return;
  const ended = new Promise((resolve) => embeddedProcess?.on('exit', resolve));
  embeddedProcess.kill('SIGTERM');
  await ended;
});

describe('The definitions of the kinds', () => {
  it('refuse nothing by their rules that validation accepts', async () => {
    const differences: string[] = [];
    let [refused, changes] = [0, 0];
    for (const one of vectors) {
      const told = (await embedded?.judge(one)) ?? 'accepted';
      if (one.object.status?.reconciliationStatus !== undefined) changes += 1;
      if (told === 'accepted') continue;
      refused += 1;
      // A form that the schema refuses is no vector of validation.
      const byRule = told.filter((text) => !/Unsupported value|must be of type|rules were not checked/.test(text));
      const accepted = one.error === null && one.errorAnyOf === undefined && one.exception === undefined;
      if (byRule.length > 0 && accepted) differences.push(`${one.id}: ${byRule.join('; ')}`);
    }
    expect(differences).toEqual([]);
    console.log(`definitions and ${vectors.length} vectors of validation: ${refused} refused, ${changes} changes`);
  });

  it('say the same on a real kube-apiserver as on the embedded server', async (context) => {
    if (real === undefined) return context.skip('no real kube-apiserver was started');
    const differences: string[] = [];
    for (const one of [...vectors, ...wrong]) {
      const [ours, theirs] = [await embedded?.judge(one), await real.judge(one)];
      if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
        differences.push(`${one.id}\n  embedded: ${JSON.stringify(ours)}\n  real: ${JSON.stringify(theirs)}`);
      }
    }
    expect(differences.slice(0, 10)).toEqual([]);
    console.log(`definitions on both servers: ${vectors.length + wrong.length} alike`);
  });
});
