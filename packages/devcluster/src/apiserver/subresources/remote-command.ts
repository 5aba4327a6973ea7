import type { ExecSession, MessageSocket, Upgrade } from '../contract.ts';
import type { ConnectHandler } from '../model.ts';
import { isTrue } from '../request-info.ts';
import { badRequest } from '../status.ts';
import { backendFor, chooseContainer, nodeFailure, type PodAccess, podOf, targetOf } from './pod-target.ts';

/** The first byte of every message says what it belongs to. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** Version 5 only: the second byte names the channel that ends. */
const CLOSE = 255;

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** `pods/exec`: a command in a container, over a WebSocket. */
export function execHandler(access: PodAccess): ConnectHandler {
  return async (call) => {
    const { query } = call.request;
    const pod = podOf(access, call);
    const container = chooseContainer(pod, query.get('container'));
    const backend = backendFor(access, pod);
    const command = query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least 1 container command');
    const protocol = chooseProtocol(call.request.webSocket?.protocols);
    const io = { stdin: isTrue(query.get('stdin')), tty: isTrue(query.get('tty')) };
    try {
      const session = await backend.exec(targetOf(pod, container), command, io);
      return { status: 101, headers: {}, upgrade: { protocol, run: (socket) => runSession(socket, session) } };
    } catch (error) {
      throw nodeFailure(error);
    }
  };
}

/** `pods/attach`: follows the container's output from now on; a running process's input is not reachable afterwards. */
export function attachHandler(access: PodAccess): ConnectHandler {
  return async (call) => {
    const pod = podOf(access, call);
    const container = chooseContainer(pod, call.request.query.get('container'));
    const backend = backendFor(access, pod);
    const protocol = chooseProtocol(call.request.webSocket?.protocols);
    const options = { follow: true, previous: false, timestamps: false, tailLines: 0 };
    const upgrade: Upgrade = {
      protocol,
      async run(socket) {
        for await (const chunk of backend.logs(targetOf(pod, container), options, call.request.signal))
          await socket.send(frame(STDOUT, chunk));
        await socket.send(frame(ERROR, Buffer.from(JSON.stringify(SUCCESS))));
      },
    };
    return { status: 101, headers: {}, upgrade };
  };
}

function chooseProtocol(offered: readonly string[] | undefined): string {
  if (offered === undefined) throw badRequest('you must use an upgrade request (WebSocket) for this call');
  const protocol = PROTOCOLS.find((candidate) => offered.includes(candidate));
  if (protocol === undefined) throw badRequest(`none of the sub-protocols is known; known are ${PROTOCOLS.join(', ')}`);
  return protocol;
}

const SUCCESS = { metadata: {}, status: 'Success' };

function exitStatus(code: number): Record<string, unknown> {
  if (code === 0) return SUCCESS;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

function frame(channel: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([channel]), data]);
}

/** Ends with the command, or kills it when the client goes away. */
async function runSession(socket: MessageSocket, session: ExecSession): Promise<void> {
  let over = false;
  const input = readInput(socket, session).then(() => {
    if (!over) session.kill();
  });
  const copy = async (channel: number, source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of source) await socket.send(frame(channel, chunk));
  };
  const [, , { code }] = await Promise.all([copy(STDOUT, session.stdout), copy(STDERR, session.stderr), session.exit]);
  over = true;
  await socket.send(frame(ERROR, Buffer.from(JSON.stringify(exitStatus(code)))));
  socket.close();
  await input;
}

async function readInput(socket: MessageSocket, session: ExecSession): Promise<void> {
  for await (const message of socket.messages) {
    const data = message.subarray(1);
    switch (message[0]) {
      case STDIN:
        if (data.length > 0) session.write(data);
        break;
      case RESIZE:
        resize(session, data);
        break;
      case CLOSE:
        if (data[0] === STDIN) session.closeStdin();
        break;
      default:
        break;
    }
  }
}

function resize(session: ExecSession, data: Uint8Array): void {
  try {
    const size = JSON.parse(Buffer.from(data).toString('utf8')) as { Width?: unknown; Height?: unknown };
    if (typeof size.Width === 'number' && typeof size.Height === 'number') session.resize(size.Width, size.Height);
  } catch {
    // A malformed size leaves the terminal as it is.
  }
}
