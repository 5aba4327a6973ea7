import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KubeClient, type Pod, systemClock } from '@drey/kube';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimDirectory } from './container-files.ts';
import { ProcessRuntime } from './process-runtime.ts';

let data: string;
let runtime: ProcessRuntime;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'drey-runtime-'));
  runtime = new ProcessRuntime({
    ...{ client: {} as KubeClient, clock: systemClock, dataDirectory: data, hostAddress: '127.0.0.1' },
    ...{ apiServer: { host: '127.0.0.1', port: 1 }, nodeAllocatable: {}, isolation: { type: 'paths' } },
    images: {} as never,
  });
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

const pod = (uid: string, claimName: string): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: uid, namespace: 'ns', uid } },
  spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
});

/** The directory of a claim, with something in it. */
function filled(name: string): string {
  const path = claimDirectory(data, 'ns', name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'state'), 'x');
  return path;
}

describe('What a claim holds', () => {
  it('goes with the claim, and other claims stay', () => {
    const [gone, other] = [filled('gone'), filled('other')];
    runtime.releaseClaim('ns', 'gone');
    expect([existsSync(gone), existsSync(other)]).toEqual([false, true]);
  });

  it('stays while a pod uses it', async () => {
    const path = filled('used');
    const sandbox = runtime.sandbox(pod('p1', 'used'), '127.77.0.1');
    runtime.releaseClaim('ns', 'used');
    expect(existsSync(path)).toBe(true);
    await sandbox.destroy({ keepFiles: false });
    expect(existsSync(path)).toBe(false);
  });

  it('stays for a pod that came with a claim of the same name', async () => {
    const path = filled('again');
    const old = runtime.sandbox(pod('p1', 'again'), '127.77.0.1');
    runtime.releaseClaim('ns', 'again');
    runtime.sandbox(pod('p2', 'again'), '127.77.0.2');
    await old.destroy({ keepFiles: false });
    expect(existsSync(path)).toBe(true);
  });
});
