/**
 * The few messages of ZooKeeper's client protocol that the operator needs. Numbers are big-endian; texts, lists and byte
 * arrays carry their length as a 32-bit number; every message is preceded by its own length.
 */

/** Kinds of requests. */
export const OPERATION = { delete: 2, children: 8, close: -11 } as const;

/** Errors of ZooKeeper that mean something to the operator. */
export const ZOOKEEPER_ERROR = { none: 0, noNode: -101, noAuth: -102, notEmpty: -111 } as const;

const PASSWORD_BYTES = 16;
const ANY_VERSION = -1;

/** A message with its length before it. */
function framed(payload: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

function int(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32BE(value);
  return out;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([int(bytes.length), bytes]);
}

/** Asks for a new session that ends by itself when nothing is heard for `timeoutMs`. */
export function connectRequest(timeoutMs: number): Buffer {
  const noSession = Buffer.alloc(8);
  const lastSeen = Buffer.alloc(8);
  return framed(
    Buffer.concat([int(0), lastSeen, int(timeoutMs), noSession, int(PASSWORD_BYTES), Buffer.alloc(PASSWORD_BYTES)]),
  );
}

/** Asks for the names of a node's children, without a watch. */
export function childrenRequest(xid: number, path: string): Buffer {
  return framed(Buffer.concat([int(xid), int(OPERATION.children), text(path), Buffer.from([0])]));
}

/** Asks for the removal of a node that has no children. */
export function deleteRequest(xid: number, path: string): Buffer {
  return framed(Buffer.concat([int(xid), int(OPERATION.delete), text(path), int(ANY_VERSION)]));
}

/** Ends the session at once. */
export function closeRequest(xid: number): Buffer {
  return framed(Buffer.concat([int(xid), int(OPERATION.close)]));
}

/** An answer: which request it is for, ZooKeeper's error number, and what follows. */
export interface Reply {
  readonly xid: number;
  readonly error: number;
  readonly body: Buffer;
}

/** Reads an answer to a request (not the one to the request for a session). */
export function readReply(frame: Buffer): Reply {
  return { xid: frame.readInt32BE(0), error: frame.readInt32BE(12), body: frame.subarray(16) };
}

/** The names in an answer to {@link childrenRequest}. */
export function readNames(body: Buffer): string[] {
  const count = body.readInt32BE(0);
  const names: string[] = [];
  let at = 4;
  for (let index = 0; index < count; index += 1) {
    const length = body.readInt32BE(at);
    names.push(body.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return names;
}

/** Whether a session was granted: ZooKeeper answers with a time-out of 0 when it was not. */
export function isSession(frame: Buffer): boolean {
  return frame.length >= 8 && frame.readInt32BE(4) > 0;
}
