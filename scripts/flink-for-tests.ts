import { runNode } from './process.ts';

/** Installs the Flink distributions that scenarios need, where they are not there yet. Says what cannot be had. */
export async function ensureFlink(versions: readonly string[]): Promise<boolean> {
  let all = true;
  for (const version of versions) {
    const done = await runNode(['packages/cli/src/main.ts', 'flink', 'install', version], { quiet: true });
    if (done.code === 0) continue;
    process.stdout.write(`Flink ${version} could not be installed; scenarios that need it will fail\n`);
    all = false;
  }
  return all;
}
