import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { byPaths, pathReplacer } from './path-mode.ts';
import type { MountRequest } from './root-plan.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drey-paths-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const folder = (name: string, files: Record<string, string> = {}): string => {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
};
const mount = (destination: string, source: string, owned = true): MountRequest => ({
  destination,
  source,
  owned,
  kind: lstatSync(source).isDirectory() ? 'directory' : 'file',
  readOnly: false,
});

describe('path mode', () => {
  it('replaces paths at their boundaries, once, the longest first', () => {
    const replace = pathReplacer([
      { destination: '/opt/flink', source: '/x/opt/flink' },
      { destination: '/opt/flink/conf', source: '/c' },
    ]);
    expect(replace('/opt/flink/lib/a.jar:/opt/flink/conf::/opt/flinkish:/my/opt/flink')).toBe(
      '/x/opt/flink/lib/a.jar:/c::/opt/flinkish:/my/opt/flink',
    );
    expect(replace('local:///opt/flink/usrlib/a.jar file:/opt/flink "/opt/flink"')).toBe(
      'local:///x/opt/flink/usrlib/a.jar file:/x/opt/flink "/x/opt/flink"',
    );
    expect(replace('-Dlog=/opt/flink/log,/opt/flink-2')).toBe('-Dlog=/x/opt/flink/log,/opt/flink-2');
  });

  it('lays links for mounts in mounts, rewrites the configuration, and hands over the account', () => {
    const home = folder('home');
    const lib = folder('dist-lib', { 'flink-dist.jar': 'dist' });
    const conf = folder('conf', {
      'config.yaml': 'jar: local:///opt/flink/lib/flink-dist.jar\ndata: /flink-data/ha\n',
    });
    const jar = join(folder('volume', { 'my.jar': 'mine' }), 'my.jar');
    const account = folder('account', { token: 'jwt', namespace: 'ns', 'ca.crt': 'PEM' });
    const result = byPaths({
      view: {
        requests: [
          mount('/opt/flink', home),
          mount('/opt/flink/lib', lib, false),
          mount('/opt/flink/conf', conf),
          mount('/opt/flink/lib/my.jar', jar),
          mount('/flink-data', folder('data')),
          mount('/var/run/secrets/kubernetes.io/serviceaccount', account),
        ],
        directory: folder('container'),
        workingDirectory: '/opt/flink',
        command: [],
      },
      command: ['cat', '/opt/flink/lib/my.jar'],
      env: { PATH: '/opt/flink/bin:/bin', JAVA_TOOL_OPTIONS: '-Da=b' },
      podDirectory: directory,
      apiServerUrl: 'https://127.0.0.1:6443',
    });
    expect(result.command).toEqual(['cat', `${home}/lib/my.jar`]);
    expect(readFileSync(`${home}/lib/my.jar`, 'utf8')).toBe('mine');
    expect(readFileSync(`${home}/lib/flink-dist.jar`, 'utf8')).toBe('dist');
    expect(readFileSync(`${conf}/config.yaml`, 'utf8')).toBe(
      `jar: local://${home}/lib/flink-dist.jar\ndata: ${directory}/data/ha\n`,
    );
    expect(result.workingDirectory).toBe(home);
    expect(result.env).toMatchObject({ PATH: `${home}/bin:/bin`, FLINK_CONF_DIR: `${home}/conf` });
    expect(result.env.JAVA_TOOL_OPTIONS).toContain(`-Da=b -Djdk.net.hosts.file=${directory}/hosts`);
    const kubeconfig = JSON.parse(readFileSync(result.env.KUBECONFIG ?? '', 'utf8'));
    expect(kubeconfig.users[0].user.token).toBe('jwt');
    expect(kubeconfig.contexts[0].context.namespace).toBe('ns');
  });
});
