import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A ZooKeeper server of one test, on a loopback address. */
export interface ZooKeeper {
  /** As Flink's `high-availability.zookeeper.quorum` wants it. */
  readonly quorum: string;
  /** Paths of all nodes below one, as ZooKeeper's own client lists them; none when there is no such node. */
  nodes(path: string): readonly string[];
  stop(): Promise<void>;
}

const PACKAGE = 'org.apache.flink.shaded.zookeeper3.org.apache.zookeeper';
const SERVER = `${PACKAGE}.server.ZooKeeperServerMain`;
const HOST = '127.0.0.1';

/** Jars of a Flink distribution that bring a ZooKeeper server; undefined: it has none. */
export function zooKeeperJars(home: string): string | undefined {
  const entry = `${SERVER.replaceAll('.', '/')}.class`;
  const folders = [join(home, 'lib'), join(home, 'opt')];
  const jars = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^flink-(dist|shaded-zookeeper).*\.jar$/.test(name))
      .map((name) => join(folder, name)),
  );
  // The directory of a jar names its entries in plain bytes.
  const found = jars.find((jar) => readFileSync(jar).includes(entry));
  return found === undefined ? undefined : [found, join(home, 'lib', '*')].join(':');
}

/** Starts the server of {@link zooKeeperJars} with an empty store; resolves when it answers. */
export async function startZooKeeper(jars: string): Promise<ZooKeeper> {
  const folder = mkdtempSync(join(tmpdir(), 'drey-zookeeper-'));
  const port = await freePort();
  const config = join(folder, 'zoo.cfg');
  const settings = {
    dataDir: join(folder, 'data'),
    clientPort: port,
    clientPortAddress: HOST,
    tickTime: 1000,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    '4lw.commands.whitelist': 'ruok',
  };
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
  const child = spawn('java', ['-Xmx96m', '-XX:+UseSerialGC', '-cp', jars, SERVER, config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (const end = performance.now() + 30_000; !(await isWell(port)); ) {
    if (child.exitCode !== null || performance.now() > end) {
      await stop();
      throw new Error(`ZooKeeper did not start:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const quorum = `${HOST}:${port}`;
  return {
    quorum,
    nodes(path) {
      const words = ['-Xmx64m', '-cp', jars, `${PACKAGE}.ZooKeeperMain`, '-server', quorum, 'ls', '-R', '/'];
      const listed = execFileSync('java', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
      // The root is always listed: an empty answer would be one of a client that failed.
      if (!listed.includes('/')) throw new Error(`ZooKeeper's client listed nothing: ${listed.join('\n')}`);
      return listed.filter((one) => one.startsWith(`${path}/`));
    },
    stop,
  };
}

function isWell(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => socket.write('ruok'));
    socket.on('data', (answer: Buffer) => {
      socket.destroy();
      resolve(answer.toString() === 'imok');
    });
    socket.on('error', () => resolve(false));
    socket.on('end', () => resolve(false));
  });
}

/** ZooKeeper takes no port of the system's choosing. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, HOST, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
