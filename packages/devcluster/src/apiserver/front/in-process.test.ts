import { describe, expect, it } from 'vitest';
import type { ApiHandler, ApiRequest } from '../contract.ts';
import { inProcessTransport } from './in-process.ts';
import { jsonResponse } from './wire.ts';

const user = { name: 'u', groups: ['g'] };

async function read(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Sends one line, then waits for the end of the request. */
function streaming(): { handle: ApiHandler; requests: ApiRequest[] } {
  const requests: ApiRequest[] = [];
  const handle: ApiHandler = async (request) => {
    requests.push(request);
    return {
      status: 200,
      headers: {},
      body: (async function* () {
        yield Buffer.from('line\n');
        await new Promise<void>((resolve) => request.signal.addEventListener('abort', () => resolve(), { once: true }));
      })(),
    };
  };
  return { handle, requests };
}

describe('the in-process transport', () => {
  it('passes path, query, headers and body on as the front does', async () => {
    const seen: ApiRequest[] = [];
    const transport = inProcessTransport(async (request) => {
      seen.push(request);
      return { ...jsonResponse(201, { ok: 1 }), warnings: ['mind "this"'] };
    }, user);
    const response = await transport.request({
      method: 'POST',
      path: '/a%3Ab?x=1',
      headers: { h: 'v' },
      body: 'text',
      mode: 'call',
    });
    expect([response.status, await read(response.body), response.warnings]).toEqual([
      201,
      '{"ok":1}\n',
      ['299 - "mind \\"this\\""'],
    ]);
    const [request] = seen;
    expect([request!.path, request!.query.get('x'), request!.headers, request!.user]).toEqual([
      '/a:b',
      '1',
      { h: 'v' },
      user,
    ]);
    expect(Buffer.from(request!.body!).toString()).toBe('text');
  });

  it('tells the server when the reader stops', async () => {
    const { handle, requests } = streaming();
    const { body } = await inProcessTransport(handle, user).request({
      method: 'GET',
      path: '/w',
      headers: {},
      mode: 'stream',
    });
    for await (const chunk of body) {
      expect(Buffer.from(chunk).toString()).toBe('line\n');
      break;
    }
    expect(requests[0]!.signal.aborted).toBe(true);
  });

  it('cuts streams when it is closed, and refuses what comes later', async () => {
    const { handle, requests } = streaming();
    const transport = inProcessTransport(handle, user);
    const { body } = await transport.request({ method: 'GET', path: '/w', headers: {}, mode: 'stream' });
    const reading = read(body);
    await transport.close();
    await expect(reading).rejects.toThrow('closed');
    expect(requests[0]!.signal.aborted).toBe(true);
    await expect(transport.request({ method: 'GET', path: '/', headers: {}, mode: 'call' })).rejects.toThrow('closed');
  });

  it('rejects as soon as the caller aborts', async () => {
    const transport = inProcessTransport(() => new Promise(() => undefined), user);
    const controller = new AbortController();
    const call = transport.request({ method: 'GET', path: '/', headers: {}, mode: 'call', signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});
