import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import type { Credentials } from './credentials.ts';
import { type KubeconfigOptions, loadKubeconfig } from './kubeconfig.ts';
import { KubeconfigError } from './kubeconfig-error.ts';
import { proxyFor } from './proxy.ts';

const b64 = (text: string): string => Buffer.from(text).toString('base64');

const config = (user: string, cluster = 'server: https://one:6443'): string => `
apiVersion: v1
kind: Config
current-context: main
contexts:
- { name: main, context: { cluster: c, user: u, namespace: team } }
clusters:
- name: c
  cluster: { ${cluster} }
users:
- name: u
  user: ${user}
`;

function files(content: Record<string, string>, more: KubeconfigOptions = {}): KubeconfigOptions {
  return {
    env: {},
    home: '/home/me',
    readText: async (path) => {
      const text = content[path];
      if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      return text;
    },
    ...more,
  };
}

const rejected = async (options: KubeconfigOptions): Promise<KubeconfigError> => {
  const error = await loadKubeconfig(options).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(KubeconfigError);
  return error as KubeconfigError;
};

const current = async (user: string, more: KubeconfigOptions = {}, others = {}): Promise<Credentials> =>
  (
    await loadKubeconfig(files({ '/k': config(user), ...others }, { path: '/k', ...more }))
  ).access.credentials.current();

describe('loadKubeconfig', () => {
  test('reads the default file, its current context, and inline certificates', async () => {
    const text = config(
      `{ client-certificate-data: ${b64('CERT')}, client-key-data: ${b64('KEY')} }`,
      `server: 'https://one:6443/prefix', certificate-authority-data: ${b64('CA')}, tls-server-name: api`,
    );
    const { name, namespace, access } = await loadKubeconfig(files({ '/home/me/.kube/config': text }));
    expect([name, namespace]).toEqual(['main', 'team']);
    expect(access).toMatchObject({ server: 'https://one:6443/prefix', ca: 'CA', serverName: 'api', insecure: false });
    expect(await access.credentials.current()).toEqual({ headers: {}, cert: 'CERT', key: 'KEY' });
    expect(access.credentials.refused()).toBe(false);
  });

  test('merges the files of KUBECONFIG: the first entry wins, missing files are skipped, paths are relative to their file', async () => {
    const first = `contexts: [{ name: other, context: { cluster: c, user: u } }]\nusers: [{ name: u, user: { tokenFile: t } }]`;
    const options = files(
      {
        '/a/1': first,
        '/b/2': config('{ token: second }', 'server: https://one, certificate-authority: ca.pem'),
        '/a/t': 'first\n',
        '/b/ca.pem': 'CA',
      },
      { env: { KUBECONFIG: '/a/1:/missing:/b/2' } },
    );
    const main = await loadKubeconfig(options);
    expect([main.name, main.access.ca]).toEqual(['main', 'CA']);
    expect((await main.access.credentials.current()).headers).toEqual({ authorization: 'Bearer first' });
    const other = await loadKubeconfig({ ...options, context: 'other' });
    expect([other.name, other.namespace]).toEqual(['other', 'default']);
  });

  test('knows tokens, passwords, impersonation, and users without anything', async () => {
    expect((await current('{ token: secret }')).headers).toEqual({ authorization: 'Bearer secret' });
    expect((await current('{ username: me, password: pw }')).headers).toEqual({
      authorization: `Basic ${b64('me:pw')}`,
    });
    expect((await current('{ token: t, as: bob, as-groups: [a, b], as-uid: "7" }')).headers).toEqual({
      authorization: 'Bearer t',
      'impersonate-user': 'bob',
      'impersonate-uid': '7',
      'impersonate-group': ['a', 'b'],
    });
    expect(await current('{}')).toEqual({ headers: {} });
  });

  test('reads a token file again after a minute and after a 401, not before', async () => {
    const clock = new VirtualClock();
    const content: Record<string, string> = { '/k': config('{ tokenFile: /t }'), '/t': 'one' };
    const { access } = await loadKubeconfig(files(content, { path: '/k', clock }));
    const token = async (): Promise<unknown> => (await access.credentials.current()).headers.authorization;
    expect(await token()).toBe('Bearer one');
    content['/t'] = 'two';
    await clock.advance(59_000);
    expect(await token()).toBe('Bearer one');
    await clock.advance(1000);
    expect(await token()).toBe('Bearer two');
    content['/t'] = 'three';
    expect(access.credentials.refused()).toBe(true);
    expect(await token()).toBe('Bearer three');
  });

  test('falls back to the service account of the pod, also where there is only IPv6 (12.1 item 32)', async () => {
    const dir = '/var/run/secrets/kubernetes.io/serviceaccount';
    const mounted = { [`${dir}/token`]: 'sa\n', [`${dir}/ca.crt`]: 'CA', [`${dir}/namespace`]: 'flink\n' };
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const { name, namespace, access } = await loadKubeconfig(files(mounted, { env }));
    expect([name, namespace, access.server, access.ca]).toEqual(['in-cluster', 'flink', 'https://[fd00::1]:443', 'CA']);
    expect((await access.credentials.current()).headers).toEqual({ authorization: 'Bearer sa' });
    const error = await rejected(files({ [`${dir}/ca.crt`]: 'CA', [`${dir}/namespace`]: 'n' }, { env }));
    expect([error.code, error.message]).toEqual([
      'E_KUBECONFIG_CREDENTIALS',
      'this pod has no readable service account token',
    ]);
  });

  test.each([
    [files({}), 'E_KUBECONFIG_NOT_FOUND', '/home/me/.kube/config'],
    [files({}, { path: '/nope' }), 'E_KUBECONFIG_NOT_FOUND', '/nope'],
    [files({ '/k': 'a: [b' }, { path: '/k' }), 'E_KUBECONFIG_INVALID', 'line 1, column 6'],
    [files({ '/k': '- a' }, { path: '/k' }), 'E_KUBECONFIG_INVALID', 'not a mapping'],
    [files({ '/k': 'users: 1' }, { path: '/k' }), 'E_KUBECONFIG_INVALID', 'users is not a list'],
    [files({ '/k': 'users: [{}]' }, { path: '/k' }), 'E_KUBECONFIG_INVALID', 'no name'],
    [files({ '/k': config('{}') }, { path: '/k', context: 'x' }), 'E_KUBECONFIG_CONTEXT', 'no context x'],
    [files({ '/k': 'kind: Config' }, { path: '/k' }), 'E_KUBECONFIG_CONTEXT', 'no current context'],
    [files({ '/k': config('{}', 'server: one') }, { path: '/k' }), 'E_KUBECONFIG_INVALID', 'no server address'],
    [
      files({ '/k': config('{}').replace('user: u,', 'user: v,') }, { path: '/k' }),
      'E_KUBECONFIG_INVALID',
      'the user v',
    ],
    [files({ '/k': config('{ client-certificate: /x.pem }') }, { path: '/k' }), 'E_KUBECONFIG_CREDENTIALS', '/x.pem'],
    [
      files({ '/k': config('{ auth-provider: { name: gcp } }') }, { path: '/k' }),
      'E_KUBECONFIG_CREDENTIALS',
      'auth-provider',
    ],
  ])('refuses %# with a code and a next step', async (options, code, part) => {
    const error = await rejected(options);
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(error.nextStep).toMatch(/\.$/);
  });

  test('a broken file does not show its secrets', async () => {
    const error = await rejected(files({ '/k': 'users:\n- user: {token: hunter2\nx: y: z' }, { path: '/k' }));
    expect(JSON.stringify([error.message, error.nextStep, String(error.cause)])).not.toContain('hunter2');
  });
});

describe('exec plugins', () => {
  const exec = (more = ''): string =>
    `{ exec: { apiVersion: client.authentication.k8s.io/v1, command: login, args: [a], env: [{ name: X, value: y }] ${more} } }`;
  const printed = (status: unknown): string =>
    JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1', status });

  test('are run once until they expire, told not to ask, and again after a 401', async () => {
    const clock = new VirtualClock();
    const calls: { command: string; args: readonly string[]; env: Readonly<Record<string, string>> }[] = [];
    const run: KubeconfigOptions['run'] = async (command, args, env) => {
      calls.push({ command, args, env });
      const expirationTimestamp = new Date(clock.now() + 600_000).toISOString();
      return printed({ token: `t${calls.length}`, expirationTimestamp });
    };
    const { access } = await loadKubeconfig(
      files({ '/k': config(exec(', provideClusterInfo: true')) }, { path: '/k', clock, run }),
    );
    const token = async (): Promise<unknown> => (await access.credentials.current()).headers.authorization;
    expect(await Promise.all([token(), token()])).toEqual(['Bearer t1', 'Bearer t1']);
    await clock.advance(569_000);
    expect(await token()).toBe('Bearer t1');
    await clock.advance(2000);
    expect(await token()).toBe('Bearer t2');
    access.credentials.refused();
    expect(await token()).toBe('Bearer t3');
    expect([calls[0]!.command, calls[0]!.args, calls[0]!.env.X]).toEqual(['login', ['a'], 'y']);
    expect(JSON.parse(calls[0]!.env.KUBERNETES_EXEC_INFO!)).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: 'https://one:6443' } },
    });
  });

  test('may give client certificates', async () => {
    const run = async (): Promise<string> => printed({ clientCertificateData: 'C', clientKeyData: 'K' });
    expect(await current(exec(), { run })).toEqual({ headers: {}, cert: 'C', key: 'K' });
  });

  test.each([
    ['not json', 'did not print JSON'],
    [
      JSON.stringify({ kind: 'ExecCredential', apiVersion: 'client.authentication.k8s.io/v1beta1', status: {} }),
      'did not print an ExecCredential',
    ],
    [printed({}), 'neither a token'],
    [printed({ token: 't', expirationTimestamp: 'soon' }), 'not a time'],
  ])('that print %s are refused', async (text, part) => {
    const credentials = current(exec(), { run: async () => text });
    await expect(credentials).rejects.toMatchObject({
      code: 'E_KUBECONFIG_CREDENTIALS',
      message: expect.stringContaining(part),
    });
  });

  test('that are missing give the installation hint', async () => {
    const user = `{ exec: { apiVersion: client.authentication.k8s.io/v1beta1, command: drey-no-such-program, installHint: get it there } }`;
    await expect(current(user)).rejects.toMatchObject({
      message: expect.stringContaining('not installed'),
      nextStep: 'get it there',
    });
  });

  test('that fail are quoted in short, and run without a terminal', async () => {
    const user = (script: string): string =>
      `{ exec: { apiVersion: client.authentication.k8s.io/v1, command: ${process.execPath}, args: [-e, "${script}"] } }`;
    await expect(current(user("console.error('no session'); process.exit(3)"))).rejects.toMatchObject({
      message: expect.stringContaining('no session'),
    });
    const script = "process.stdin.on('end', () => console.log(process.env.KUBERNETES_EXEC_INFO)).resume()";
    await expect(current(user(script))).rejects.toMatchObject({ message: expect.stringContaining('neither a token') });
  });

  test('that need a terminal or speak an old version are refused at once', async () => {
    await expect(current(exec(', interactiveMode: Always'))).rejects.toMatchObject({
      code: 'E_KUBECONFIG_CREDENTIALS',
    });
    await expect(current('{ exec: { apiVersion: v1alpha1, command: x } }')).rejects.toMatchObject({
      code: 'E_KUBECONFIG_INVALID',
    });
  });
});

describe('proxyFor', () => {
  test.each([
    ['https://api.example:6443', {}, undefined],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1'],
    ['https://api.example:6443', { https_proxy: 'p:1' }, 'http://p:1'],
    ['http://api.example', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://127.0.0.1:6443', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://[::1]:6443', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a, .example' }, undefined],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p:1', no_proxy: 'example' }, undefined],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'api.example:443' }, 'http://p:1'],
    ['https://notexample:6443', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'example' }, 'http://p:1'],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, undefined],
  ])('%s with %j is %s', (server, env, proxy) => {
    expect(proxyFor(server, env)).toBe(proxy);
  });
});
