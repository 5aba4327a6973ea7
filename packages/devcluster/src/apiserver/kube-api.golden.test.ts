import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock, systemRandom } from '@drey/kube';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { goldenArea, projectCopy } from '../../../../golden/golden.ts';
import { type RunningApiServer, startApiServer } from './front/start.ts';

/** Areas of which every vector has to pass. */
const COMPLETE = ['patch', 'ssa', 'list', 'watch', 'delete', 'crd'];
const REQUIRED_SHARE = 0.9;
const TOKEN = 'golden-token';
const REPLAYER = 'replay.py';

interface Outcome {
  readonly vectors: readonly {
    readonly id: string;
    readonly area: string;
    readonly pass: boolean;
    readonly diffs: readonly { step: string; path: string; expected: unknown; got: unknown }[];
  }[];
}

const area = goldenArea('kube-api');
const folder = mkdtempSync(join(tmpdir(), 'kube-api-'));
const servers: RunningApiServer[] = [];

beforeAll(() => {
  for (const path of area.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), area.text(path));
  }
  // Other cases may come without the program that plays them.
  if (!area.files.includes(REPLAYER))
    writeFileSync(join(folder, REPLAYER), projectCopy('kube-api').get(REPLAYER) ?? '');
});

afterAll(async () => {
  for (const server of servers) await server.close(0);
  rmSync(folder, { recursive: true, force: true });
});

async function start(anonymous: boolean): Promise<RunningApiServer> {
  const server = await startApiServer({
    clock: systemClock,
    random: systemRandom,
    tokens: [{ token: TOKEN, user: { name: 'admin', groups: ['system:masters', 'system:authenticated'] } }],
    anonymous,
    serviceAccountAdmission: false,
    port: 0,
  });
  servers.push(server);
  return server;
}

/** Plays vectors; the exit code is not looked at, the outcome is. */
async function replay(server: RunningApiServer, selection: readonly string[]): Promise<Outcome['vectors']> {
  const ca = join(folder, `ca-${server.port}.crt`);
  const json = join(folder, `outcome-${server.port}.json`);
  writeFileSync(ca, server.certificates.authority.certificate);
  const options = ['--server', server.url, '--token', TOKEN, '--ca', ca, ...selection];
  const flags = ['--jobs', '8', '--quiet', '--json', json];
  const output = await run('python3', [join(folder, REPLAYER), ...options, ...flags, folder]);
  try {
    return (JSON.parse(readFileSync(json, 'utf8')) as Outcome).vectors;
  } catch {
    throw new Error(`the replayer gave no outcome: ${output}`);
  }
}

function closedVectors(): readonly string[] {
  return area.files
    .filter((path) => path.endsWith('.json'))
    .map((path) => area.json<{ id: string; requires?: readonly string[] }>(path))
    .filter(({ requires = [] }) => requires.includes('no-anonymous'))
    .map(({ id }) => id);
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}

const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.log('kube-api: not played, python3 was not found; install Python 3 to run these');

it.skipIf(area.files.length === 0 || !hasPython)(
  'recorded exchanges with a real API server give the same answers here',
  { timeout: 400_000 },
  async () => {
    const open = await replay(await start(true), ['--without', 'no-anonymous']);
    // Some exclude the first server's setting.
    const others = closedVectors();
    const closed =
      others.length === 0
        ? []
        : await replay(
            await start(false),
            others.flatMap((id) => ['--only', id]),
          );
    const vectors = [...open, ...closed];
    const failed = vectors.filter((vector) => !vector.pass);
    const areas = Object.groupBy(vectors, (vector) => vector.area);
    for (const [name, list = []] of Object.entries(areas)) {
      console.log(`kube-api/${name}: ${list.filter((vector) => vector.pass).length} of ${list.length}`);
    }
    for (const { id, diffs } of failed) console.log(`${id}: ${JSON.stringify(diffs.slice(0, 3))}`);
    console.log(`kube-api: ${vectors.length - failed.length} of ${vectors.length}`);
    expect(failed.filter((vector) => COMPLETE.includes(vector.area)).map((vector) => vector.id)).toEqual([]);
    expect(vectors.length - failed.length).toBeGreaterThanOrEqual(vectors.length * REQUIRED_SHARE);
  },
);
