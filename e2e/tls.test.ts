import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, startDrey, type TestCluster } from './support/drey.ts';

/**
 * Flink's REST endpoint over TLS: its keystores come from a Secret, the operator's trust and key from the files that the
 * environment names. Needs kubectl, and keytool of a JDK for Flink's keystores; skipped otherwise.
 */

const hasKeytool = spawnSync('keytool', ['-help']).error === undefined;
const PASSWORD = 'changed-later';
const SECRET = 'flink-rest-tls';
const MOUNT = '/certs';

describe.skipIf(!hasKubectl || !hasKeytool)('a Flink cluster whose REST endpoint speaks TLS', () => {
  let cluster: TestCluster;
  const folder = mkdtempSync(join(tmpdir(), 'drey-keys-'));
  const file = (name: string): string => join(folder, name);
  const keytool = (...args: string[]): void => {
    const done = spawnSync('keytool', [...args, '-storepass', PASSWORD, '-noprompt'], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`keytool ${args.join(' ')}: ${done.stdout}${done.stderr}`);
  };
  /** A key with its own certificate; `<name>.p12` and `<name>.pem`. */
  const keyPair = (name: string): void => {
    const subject = ['-alias', name, '-dname', `CN=${name}`, '-keyalg', 'RSA', '-validity', '2'];
    keytool('-genkeypair', ...subject, '-storetype', 'PKCS12', '-keystore', file(`${name}.p12`));
    keytool('-exportcert', '-rfc', '-alias', name, '-keystore', file(`${name}.p12`), '-file', file(`${name}.pem`));
  };

  beforeAll(async () => {
    keyPair('flink');
    keyPair('operator');
    for (const name of ['flink', 'operator']) {
      keytool('-importcert', '-alias', name, '-file', file(`${name}.pem`), '-keystore', file('trusted.p12'));
    }
    process.env.OPERATOR_TRUSTSTORE_PATH = file('flink.pem');
    process.env.OPERATOR_KEYSTORE_PATH = file('operator.p12');
    process.env.OPERATOR_KEYSTORE_PASSWORD = PASSWORD;
    cluster = await startDrey('e2e-tls');
    const data = Object.fromEntries(
      ['flink.p12', 'trusted.p12'].map((name) => [name, readFileSync(file(name)).toString('base64')]),
    );
    cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, data });
  });
  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['to whoever trusts it', 'open', {}],
    ['only to those who show a certificate', 'mutual', { 'security.ssl.rest.authentication-enabled': 'true' }],
  ] as const)('is followed, upgraded and stopped, where it answers %s', async (_, name, more) => {
    cluster.apply(
      example(name, (object) => {
        const stores = Object.entries({ keystore: 'flink.p12', truststore: 'trusted.p12' }).flatMap(([role, store]) => [
          [`security.ssl.rest.${role}`, `${MOUNT}/${store}`],
          [`security.ssl.rest.${role}-password`, PASSWORD],
        ]);
        object.spec.flinkConfiguration = {
          ...object.spec.flinkConfiguration,
          ...Object.fromEntries(stores),
          'security.ssl.rest.enabled': 'true',
          'security.ssl.rest.key-password': PASSWORD,
          ...more,
        };
        const template = (object.spec.podTemplate ?? {}) as { spec: { volumes: object[]; containers: Container[] } };
        template.spec.volumes.push({ name: 'certs', secret: { secretName: SECRET } });
        template.spec.containers[0]?.volumeMounts.push({ name: 'certs', mountPath: MOUNT });
      }),
    );
    await cluster.reach(name, 'running', isStable, 120_000);
    cluster.kubectl('wait', 'pod', '-l', `app=${name},component=jobmanager`, '--for=condition=Ready', '--timeout=30s');
    const change = { spec: { job: { parallelism: 1 } } };
    cluster.kubectl('patch', 'flinkdeployment', name, '--type=merge', '-p', JSON.stringify(change));
    const upgraded = await cluster.reach(name, 'upgraded', isStable, 120_000);
    expect(upgraded.status?.jobStatus?.upgradeSavepointPath).toMatch(/savepoint-/);
    const ip = cluster.kubectl('get', 'service', `${name}-rest`, '-o', 'jsonpath={.spec.clusterIP}');
    await expect(fetch(`https://${ip}:8081/overview`)).rejects.toThrow();
    cluster.kubectl('delete', 'flinkdeployment', name, '--timeout=60s');
  });
});

interface Container {
  readonly volumeMounts: object[];
}
