import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { SPDY_DICTIONARY } from './spdy-dictionary.ts';

/**
 * The part of SPDY/3.1 that Kubernetes clients use inside a WebSocket: streams with headers and data in both directions.
 * Flow control is not used, as in the Go implementation on the other side.
 */
export type SpdyFrame =
  | {
      readonly type: 'syn';
      readonly stream: number;
      readonly headers: ReadonlyMap<string, string>;
      readonly fin: boolean;
    }
  | { readonly type: 'data'; readonly stream: number; readonly data: Uint8Array; readonly fin: boolean }
  | { readonly type: 'reset'; readonly stream: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway' };

const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const FIN = 1;
const HEADER_BYTES = 8;
const VERSION = 3;
const MAX_FRAME_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;

/** Cuts bytes into frames. Throws on what is not SPDY/3, or too large. */
export class SpdyReader {
  #rest: Buffer = Buffer.alloc(0);
  readonly #headers = new HeaderInflater();

  async *frames(data: Uint8Array): AsyncGenerator<SpdyFrame> {
    this.#rest = this.#rest.length === 0 ? Buffer.from(data) : Buffer.concat([this.#rest, data]);
    while (this.#rest.length >= HEADER_BYTES) {
      const length = this.#rest.readUIntBE(5, 3);
      if (length > MAX_FRAME_BYTES) throw new Error('SPDY frame too large');
      if (this.#rest.length < HEADER_BYTES + length) return;
      const head = this.#rest.subarray(0, HEADER_BYTES);
      const payload = this.#rest.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#rest = this.#rest.subarray(HEADER_BYTES + length);
      const frame = await this.#decode(head, payload);
      if (frame !== undefined) yield frame;
    }
  }

  async #decode(head: Buffer, payload: Buffer): Promise<SpdyFrame | undefined> {
    const first = head.readUInt32BE(0);
    const fin = ((head[4] ?? 0) & FIN) !== 0;
    if (first < 0x80000000) return { type: 'data', stream: first, data: payload, fin };
    if (((first >>> 16) & 0x7fff) !== VERSION) throw new Error('not SPDY version 3');
    switch (first & 0xffff) {
      case SYN_STREAM:
        return {
          type: 'syn',
          stream: payload.readUInt32BE(0) & 0x7fffffff,
          headers: await this.#headers.read(payload.subarray(10)),
          fin,
        };
      case RST_STREAM:
        return { type: 'reset', stream: payload.readUInt32BE(0) & 0x7fffffff };
      case PING:
        return { type: 'ping', id: payload.readUInt32BE(0) };
      case GOAWAY:
        return { type: 'goaway' };
      default:
        return undefined;
    }
  }
}

/** Makes frames. Replies share one compression context, so they must be sent in the order they are made. */
export class SpdyWriter {
  readonly #deflate: Deflate = createDeflate({ dictionary: SPDY_DICTIONARY });

  /** Accepts a stream, with no headers. */
  async reply(stream: number): Promise<Uint8Array> {
    this.#deflate.write(Buffer.alloc(4));
    const block = await new Promise<Buffer>((resolve) => {
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(drain(this.#deflate)));
    });
    return control(SYN_REPLY, Buffer.concat([uint32(stream), block]));
  }

  data(stream: number, data: Uint8Array, fin: boolean): Uint8Array {
    return Buffer.concat([uint32(stream), lengthWord(fin ? FIN : 0, data.length), data]);
  }

  ping(id: number): Uint8Array {
    return control(PING, uint32(id));
  }

  reset(stream: number): Uint8Array {
    const INTERNAL_ERROR = 2;
    return control(RST_STREAM, Buffer.concat([uint32(stream), uint32(INTERNAL_ERROR)]));
  }

  close(): void {
    this.#deflate.close();
  }
}

function control(type: number, payload: Uint8Array): Uint8Array {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0x8000 | VERSION, 0);
  head.writeUInt16BE(type, 2);
  return Buffer.concat([head, lengthWord(0, payload.length), payload]);
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function lengthWord(flags: number, length: number): Buffer {
  const out = uint32(length);
  out[0] = flags;
  return out;
}

function drain(stream: Deflate | Inflate): Buffer {
  const chunks: Buffer[] = [];
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** One decompression context for all header blocks of a connection. */
class HeaderInflater {
  readonly #inflate: Inflate = createInflate({ dictionary: SPDY_DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH });

  async read(block: Uint8Array): Promise<ReadonlyMap<string, string>> {
    const text = await new Promise<Buffer>((resolve, reject) => {
      this.#inflate.once('error', reject);
      this.#inflate.write(block, () => {
        this.#inflate.off('error', reject);
        resolve(drain(this.#inflate));
      });
    });
    if (text.length > MAX_HEADER_BYTES) throw new Error('SPDY header block too large');
    const headers = new Map<string, string>();
    let at = 4;
    const word = (): string => {
      const length = text.readUInt32BE(at);
      at += 4 + length;
      return text.toString('utf8', at - length, at);
    };
    for (let left = text.readUInt32BE(0); left > 0; left -= 1) headers.set(word().toLowerCase(), word());
    return headers;
  }
}
