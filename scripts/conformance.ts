import { runNode } from './process.ts';
import { findOrBuild, startReal } from './real-apiserver.ts';

/**
 * `npm run test:conformance`: the API-server contract suite on the embedded server and on a real kube-apiserver, so that
 * the embedded one is judged by what the real one does.
 */
const suite = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'conformance'];
const binaries = findOrBuild((line) => process.stderr.write(`${line}\n`));
if (binaries.found) {
  const real = await startReal(binaries.folder);
  try {
    const env = { DREY_REAL_APISERVER: real.url, DREY_REAL_APISERVER_TOKEN: real.token };
    process.exitCode = (await runNode(suite, { env })).code;
  } finally {
    await real.stop();
  }
} else {
  process.stdout.write(`SKIPPED on a real kube-apiserver: ${binaries.why}\n`);
  process.exitCode = (await runNode(suite)).code;
}
