import { deflateSync } from 'node:zlib';
import type { AnyObject } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import type { DuplexBytes, MessageSocket, NodeBackend } from '../contract.ts';
import type { ResourceCall } from '../model.ts';
import { portForwardHandler } from './port-forward.ts';
import { SpdyReader } from './spdy.ts';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns' },
  spec: { nodeName: 'n', containers: [] },
};

/** Answers every write in capitals; ends when its input ends. */
function shouting(): DuplexBytes {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  return {
    readable: readable as unknown as AsyncIterable<Uint8Array>,
    write: (data) => writer.write(Buffer.from(Buffer.from(data).toString().toUpperCase())),
    end: () => void writer.close().catch(() => undefined),
    destroy: () => void writer.abort().catch(() => undefined),
  };
}

const backend = {
  dial: async (_ns: string, _pod: string, port: number) => {
    if (port === 1) throw new Error('connection refused');
    return shouting();
  },
} as unknown as NodeBackend;

/** A client's side: messages are sent with `push`, answers collect in `sent`. */
function socketPair(): { socket: MessageSocket; sent: Buffer[]; push: (data: Uint8Array) => void; hangUp: () => void } {
  const sent: Buffer[] = [];
  const stream = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 100 });
  const writer = stream.writable.getWriter();
  const hangUp = (): void => void writer.close().catch(() => undefined);
  return {
    sent,
    push: (data) => void writer.write(data),
    hangUp,
    socket: {
      messages: stream.readable as unknown as AsyncIterable<Uint8Array>,
      send: async (data) => void sent.push(Buffer.from(data)),
      close: hangUp,
    },
  };
}

async function open(protocol: string, query: string) {
  const handler = portForwardHandler({
    objects: { get: () => pod as AnyObject, list: () => [] },
    backendOf: () => backend,
  });
  const call = {
    info: { namespace: 'ns', name: 'p' },
    request: { query: new URLSearchParams(query), webSocket: { protocols: [protocol] } },
  };
  const response = await handler(call as unknown as ResourceCall);
  const pair = socketPair();
  return { ...pair, response, done: response.upgrade!.run(pair.socket) };
}

function headerBlock(headers: Record<string, string>): Buffer {
  const word = (text: string): Buffer => {
    const out = Buffer.alloc(4 + text.length);
    out.writeUInt32BE(text.length);
    out.write(text, 4);
    return out;
  };
  const size = Buffer.alloc(4);
  size.writeUInt32BE(Object.keys(headers).length);
  const text = Buffer.concat([size, ...Object.entries(headers).flatMap(([key, value]) => [word(key), word(value)])]);
  return deflateSync(text, { dictionary: SPDY_DICTIONARY });
}

function synStream(stream: number, headers: Record<string, string>): Buffer {
  const block = headerBlock(headers);
  const frame = Buffer.alloc(18);
  frame.writeUInt32BE(0x80030001, 0);
  frame.writeUInt32BE(10 + block.length, 4);
  frame.writeUInt32BE(stream, 8);
  return Buffer.concat([frame, block]);
}

describe('port-forward', () => {
  it('carries data and errors on numbered channels', async () => {
    const { push, sent, done, response, hangUp } = await open('v4.channel.k8s.io', 'ports=8080,1');
    expect(response).toMatchObject({ status: 101, upgrade: { protocol: 'v4.channel.k8s.io' } });
    await expect.poll(() => sent.length).toBe(5);
    push(Buffer.from('\x00hello'));
    await expect.poll(() => sent.length).toBe(6);
    expect(sent.map((message) => message.toString('latin1')).sort()).toEqual(
      [
        '\x00\x90\x1f',
        '\x00HELLO',
        '\x01\x90\x1f',
        '\x02\x01\x00',
        '\x03\x01\x00',
        '\x03error forwarding port 1: connection refused',
      ].sort(),
    );
    hangUp();
    await done;
  });

  it('refuses other protocols and ports that are none', async () => {
    await expect(open('v9', 'ports=80')).rejects.toThrow('sub-protocol');
    await expect(open('v4.channel.k8s.io', 'ports=no')).rejects.toThrow('ports');
  });

  it('answers SPDY pings and streams whose frames arrive in pieces', async () => {
    const { push, sent, done, hangUp } = await open('SPDY/3.1+portforward.k8s.io', '');
    const frame = synStream(1, { streamtype: 'error', port: '80', requestid: '0' });
    push(frame.subarray(0, 5));
    push(Buffer.concat([frame.subarray(5), Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 9])]));
    await expect.poll(() => sent.length).toBe(2);
    expect(sent[0]!.readUInt32BE(0)).toBe(0x80030002);
    expect(sent[0]!.readUInt32BE(8)).toBe(1);
    expect(sent[1]!.toString('hex')).toBe('800300060000000400000009');
    hangUp();
    await done;
  });

  it('reads headers of streams, and refuses what is not SPDY', async () => {
    const frames = [];
    for await (const frame of new SpdyReader().frames(synStream(3, { StreamType: 'data', Port: '80' })))
      frames.push(frame);
    const headers = new Map([
      ['streamtype', 'data'],
      ['port', '80'],
    ]);
    expect(frames).toEqual([{ type: 'syn', stream: 3, headers, fin: false }]);
    await expect(new SpdyReader().frames(Buffer.from('8009000100000000', 'hex')).next()).rejects.toThrow('not SPDY');
  });
});
