import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type DistributionSystem,
  ensureDistribution,
  FlinkError,
  findDistribution,
  type InstallProgress,
  installRecord,
  systemDistribution,
} from '../index.ts';

const RELEASE = 'flink-1.20.5';
const PATH = `/${RELEASE}/${RELEASE}-bin-scala_2.12.tgz`;

let work = '';
let archive = Buffer.alloc(0);
let server: Server;
/** What the mirror does with each request for the archive, first come first served; then it answers in full. */
let behaviours: ('cut' | 'wrong' | 'slow')[] = [];
let requests: string[] = [];

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'drey-install-'));
  const content = join(work, 'content', RELEASE);
  for (const folder of ['lib', 'bin', 'conf', 'examples/streaming'])
    mkdirSync(join(content, folder), { recursive: true });
  writeFileSync(join(content, 'lib', 'flink-dist-1.20.5.jar'), Buffer.alloc(300_000, 'random text '));
  writeFileSync(join(content, 'examples/streaming/StateMachineExample.jar'), 'jar');
  const file = join(work, 'release.tgz');
  spawnSync('tar', ['-czf', file, '-C', join(work, 'content'), RELEASE]);
  archive = Buffer.concat([readFileSync(file)]);
  behaviours = [];
  requests = [];
  server = createServer((request, response) => {
    const range = /bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1];
    requests.push(`${request.url}${range === undefined ? '' : ` from ${range}`}`);
    if (request.url === `${PATH}.sha512`) {
      response.end(`${createHash('sha512').update(archive).digest('hex')}  ${RELEASE}-bin-scala_2.12.tgz\n`);
      return;
    }
    if (request.url !== PATH) {
      response.writeHead(404).end();
      return;
    }
    const from = Number(range ?? 0);
    const behaviour = behaviours.shift();
    const body = behaviour === 'wrong' ? Buffer.alloc(archive.length, 'x') : archive.subarray(from);
    response.writeHead(range === undefined ? 200 : 206, { 'content-length': body.length });
    if (behaviour === 'cut') {
      response.write(body.subarray(0, 100), () => onceArrived(from + 100, () => response.destroy()));
    } else if (behaviour === 'slow') {
      response.write(body.subarray(0, 100));
    } else {
      response.end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(work, { recursive: true, force: true });
});

/** Calls back when the client has written that many bytes of the archive. */
function onceArrived(bytes: number, done: () => void): void {
  const part = join(work, 'home', 'downloads', `${RELEASE}-bin-scala_2.12.tgz.part`);
  if (existsSync(part) && statSync(part).size >= bytes) done();
  else setImmediate(onceArrived, bytes, done);
}

/** The real machine but for its folders; no Python, so that only the mirror is a source. */
function machine(env: Record<string, string> = {}): DistributionSystem {
  const { port } = server.address() as AddressInfo;
  const real = systemDistribution({
    PATH: process.env.PATH,
    DREY_HOME: join(work, 'home'),
    DREY_FLINK_MIRROR: `http://127.0.0.1:${port}`,
    ...env,
  });
  return {
    ...real,
    run: (command, args, options) =>
      command === 'tar'
        ? real.run(command, args, options)
        : Promise.resolve({ started: false, code: null, output: '' }),
  };
}

const leftovers = (): string[] => readdirSync(join(work, 'home', 'flink')).filter((name) => name !== '1.20.5');

async function failure(promise: Promise<unknown>): Promise<FlinkError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof FlinkError) return error;
  throw new Error(`expected a coded error, got ${String(error)}`);
}

describe('installing from a download site', () => {
  test('gives a complete distribution, reports progress, and records where it came from', async () => {
    const seen: InstallProgress[] = [];
    const made = await ensureDistribution(machine(), '1.20.5', { report: (one) => seen.push(one) });
    expect(existsSync(join(made.home, 'lib', 'flink-dist-1.20.5.jar'))).toBe(true);
    expect(seen.some((one) => one.kind === 'bytes' && one.done === one.total)).toBe(true);
    expect((await installRecord(made))?.files[0]?.verifiedBy).toContain('sha512');
    expect(leftovers()).toEqual([]);
    expect(readdirSync(join(work, 'home', 'downloads'))).toEqual([]);
  });

  test('is done once: a second call finds it without asking anybody', async () => {
    await ensureDistribution(machine(), '1.20.5');
    requests = [];
    expect((await ensureDistribution(machine(), '1.20')).version.patch).toBe(5);
    expect(requests).toEqual([]);
  });

  test('a connection that breaks is continued where it stopped', async () => {
    behaviours = ['cut'];
    await ensureDistribution(machine(), '1.20.5');
    expect(requests.slice(1)).toEqual([PATH, `${PATH} from 100`]);
    expect(await findDistribution(machine(), { major: 1, minor: 20 })).toBeDefined();
  });

  test('what an earlier, interrupted installation downloaded is not downloaded again', async () => {
    behaviours = ['cut', 'cut', 'cut', 'cut', 'cut'];
    expect((await failure(ensureDistribution(machine(), '1.20.5'))).message).toContain('broke off');
    requests = [];
    await ensureDistribution(machine(), '1.20.5');
    expect(requests).toEqual([`${PATH}.sha512`, `${PATH} from 500`]);
  });

  test('a download that is not what was published is refused and not kept', async () => {
    behaviours = ['wrong'];
    expect((await failure(ensureDistribution(machine(), '1.20.5'))).code).toBe('E_FLINK_CHECKSUM');
    expect(readdirSync(join(work, 'home', 'downloads'))).toEqual([]);
    expect(await findDistribution(machine(), { major: 1, minor: 20 })).toBeUndefined();
  });

  test('an abort in the middle leaves nothing half-made', async () => {
    behaviours = ['slow'];
    const abort = new AbortController();
    const running = ensureDistribution(machine(), '1.20.5', { signal: abort.signal });
    while (!requests.includes(PATH)) await new Promise(setImmediate);
    abort.abort(new Error('interrupted'));
    expect((await failure(running)).code).toBe('E_FLINK_ABORTED');
    expect(leftovers()).toEqual([]);
    expect(await findDistribution(machine(), { major: 1, minor: 20 })).toBeUndefined();
  });

  test('two at once make one installation', async () => {
    const both = await Promise.all([ensureDistribution(machine(), '1.20.5'), ensureDistribution(machine(), '1.20.5')]);
    expect(both[0].home).toBe(both[1].home);
    expect(requests.filter((one) => one === PATH)).toHaveLength(1);
  });

  test('a lock and a staging folder of a killed process are taken over', async () => {
    const flink = join(work, 'home', 'flink');
    mkdirSync(join(flink, '.staging-1.20.5-abc', 'lib'), { recursive: true });
    writeFileSync(join(flink, '.lock-1.20.5'), '2147483646\n');
    await ensureDistribution(machine(), '1.20.5');
    expect(leftovers()).toEqual([]);
  });
});

describe('finding a distribution', () => {
  test('FLINK_HOME is used when its version matches, and only then', async () => {
    const home = join(work, 'content', RELEASE);
    const made = await ensureDistribution(machine({ FLINK_HOME: home }), '1.20');
    expect(made).toMatchObject({ home, origin: 'FLINK_HOME' });
    expect(await findDistribution(machine({ FLINK_HOME: home }), { major: 1, minor: 20, patch: 4 })).toBeUndefined();
  });

  test('a folder without the record of a complete installation does not count', async () => {
    mkdirSync(join(work, 'home', 'flink', '1.20.5', 'lib'), { recursive: true });
    writeFileSync(join(work, 'home', 'flink', '1.20.5', 'lib', 'flink-dist-1.20.5.jar'), '');
    expect(await findDistribution(machine(), { major: 1, minor: 20 })).toBeUndefined();
  });
});

test('when no source is left, the error says why for each and what to do', async () => {
  const error = await failure(ensureDistribution(machine({ DREY_FLINK_MIRROR: 'http://127.0.0.1:1' }), '1.20.5'));
  expect(error.message).toMatch(/Apache's download site: .*out of reach.*Python package index: there is no Python 3/);
  expect(error.nextStep).toContain('FLINK_HOME');
});
