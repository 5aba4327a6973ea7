import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyObject, Clock } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import type { ResourceCall } from '../model.ts';
import { tokenRequestHandler } from './token-request.ts';
import { loadOrCreateTokenKey, newTokenKey, SERVICE_ACCOUNT_ISSUER, serviceAccountTokens } from './tokens.ts';

const start = Date.UTC(2026, 0, 1);

function world() {
  const time = { now: start };
  const clock: Clock = { now: () => time.now, monotonic: () => time.now, after: () => () => undefined };
  const stored = new Map<string, AnyObject>();
  const put = (plural: string, name: string, uid: string, more: object = {}): void => {
    stored.set(`${plural}/${name}`, {
      apiVersion: 'v1',
      kind: 'x',
      metadata: { name, namespace: 'ns', uid },
      ...more,
    } as AnyObject);
  };
  put('serviceaccounts', 'bot', 'bot-uid');
  put('pods', 'p', 'pod-uid', { spec: { serviceAccountName: 'bot', nodeName: 'n' } });
  put('nodes', 'n', 'node-uid');
  const objects = {
    get: (_g: string, plural: string, _ns: string | undefined, name: string) => stored.get(`${plural}/${name}`),
    list: () => [],
  };
  const tokens = serviceAccountTokens({ key: newTokenKey(), objects, clock, newUid: () => 'jti' });
  const request = async (spec: object): Promise<AnyObject> => {
    const call = { info: { namespace: 'ns', name: 'bot' } } as unknown as ResourceCall;
    const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {}, spec };
    return tokenRequestHandler(tokens, objects, clock)(object, call);
  };
  const issue = async (spec: object): Promise<string> => ((await request(spec)).status as { token: string }).token;
  return { time, put, stored, tokens, request, issue };
}

const audience = [SERVICE_ACCOUNT_ISSUER];

describe('service account tokens', () => {
  it('are good for their account until they expire', async () => {
    const { tokens, issue, time } = world();
    const token = await issue({ expirationSeconds: 600 });
    expect(tokens.verify(token, audience)).toEqual({
      user: {
        name: 'system:serviceaccount:ns:bot',
        uid: 'bot-uid',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:ns', 'system:authenticated'],
        extra: { 'authentication.kubernetes.io/credential-id': ['JTI=jti'] },
      },
      audiences: audience,
    });
    time.now += 599_000;
    expect(tokens.verify(token, audience)).toHaveProperty('user');
    time.now += 1_000;
    expect(tokens.verify(token, audience)).toEqual({ invalid: 'service account token has expired', foreign: false });
  });

  it('are for their audiences only, and only from this server', async () => {
    const { tokens, issue } = world();
    const token = await issue({ audiences: ['vault'] });
    expect(tokens.verify(token, audience)).toMatchObject({ foreign: false });
    expect(tokens.verify(token, ['vault', 'x'])).toMatchObject({ audiences: ['vault'] });
    const other = await world().issue({});
    const [head, body, signature] = other.split('.');
    for (const forged of [other, 'a.b.c', 'x', `${head}.${body}.${signature?.slice(4)}AAAA`])
      expect(tokens.verify(forged, audience)).toMatchObject({ foreign: true });
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    expect(tokens.verify(none, audience)).toMatchObject({ foreign: true });
  });

  it('end with their account, and with the pod they are bound to', async () => {
    const { tokens, issue, put, stored } = world();
    const bound = await issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'pod-uid' } });
    expect(tokens.verify(bound, audience)).toMatchObject({
      user: {
        extra: {
          'authentication.kubernetes.io/pod-name': ['p'],
          'authentication.kubernetes.io/node-name': ['n'],
          'authentication.kubernetes.io/node-uid': ['node-uid'],
        },
      },
    });
    put('pods', 'p', 'another-uid');
    expect(tokens.verify(bound, audience)).toHaveProperty('invalid');
    const free = await issue({});
    put('serviceaccounts', 'bot', 'made-again');
    expect(tokens.verify(free, audience)).toHaveProperty('invalid');
    stored.delete('serviceaccounts/bot');
    expect(tokens.verify(free, audience)).toHaveProperty('invalid');
  });

  it("are refused for objects that are not there, or not the account's", async () => {
    const { request, put } = world();
    const bind = (reference: object) => request({ boundObjectRef: { apiVersion: 'v1', ...reference } });
    await expect(bind({ kind: 'Pod', name: 'none' })).rejects.toMatchObject({ status: { code: 404 } });
    await expect(bind({ kind: 'Pod', name: 'p', uid: 'old' })).rejects.toMatchObject({ status: { code: 409 } });
    await expect(bind({ kind: 'Foo', name: 'p' })).rejects.toThrow('cannot bind token to object of type /v1, Kind=Foo');
    put('pods', 'other', 'u', { spec: {} });
    await expect(bind({ kind: 'Pod', name: 'other' })).rejects.toMatchObject({ status: { code: 403 } });
    await expect(request({ expirationSeconds: 60 })).rejects.toThrow('may not specify a duration less than 10 minutes');
  });

  it('outlive a restart, since their key is kept', () => {
    const folder = mkdtempSync(join(tmpdir(), 'drey-key-'));
    const first = loadOrCreateTokenKey(folder);
    expect(loadOrCreateTokenKey(folder).equals(first)).toBe(true);
    expect(statSync(join(folder, 'service-account.key')).mode & 0o777).toBe(0o600);
    rmSync(folder, { recursive: true });
  });
});
