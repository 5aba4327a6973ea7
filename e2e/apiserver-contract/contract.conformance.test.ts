import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, describe, it } from 'vitest';
import { root } from '../../scripts/process.ts';
import { apiServerContract } from './suite.ts';

let embedded: ChildProcess | undefined;

/** Starts `drey apiserver` as a user would and waits for its address. */
async function openEmbedded(): Promise<{ url: string; token: string }> {
  const token = 'contract-token';
  const args = ['packages/cli/src/main.ts', 'apiserver', '--memory', '--port', '0', '--token', token];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  embedded = child;
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    text += chunk;
    const url = /https:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
    if (url) return { url, token };
  }
  throw new Error(`drey apiserver ended without an address: ${text}`);
}

afterAll(async () => {
  if (embedded === undefined || embedded.exitCode !== null) return;
  const ended = new Promise((resolve) => embedded?.on('exit', resolve));
  embedded.kill('SIGTERM');
  await ended;
});

apiServerContract('the embedded server', openEmbedded);

const { DREY_REAL_APISERVER: url, DREY_REAL_APISERVER_TOKEN: token } = process.env;
if (url && token) {
  apiServerContract('a real kube-apiserver', () => Promise.resolve({ url, token }));
} else {
  describe('the API server contract on a real kube-apiserver', () => {
    it('runs through npm run test:conformance', (context) => context.skip('no real kube-apiserver was started'));
  });
}
