import { findDistribution, parseFlinkVersion, systemDistribution } from '@drey/flink';
import { describe, it } from 'vitest';
import { openSessionCluster } from './session-cluster.ts';
import { flinkContract } from './suite.ts';

const VERSION = '1.20';
const distribution = await findDistribution(systemDistribution(), parseFlinkVersion(VERSION));

if (distribution === undefined) {
  describe("Flink's contract on real Flink", () => {
    it(`runs where Flink ${VERSION} is installed: drey flink install ${VERSION}`, (context) => context.skip());
  });
} else {
  // `npm test` runs a part of it next to everything else; `npm run e2e` all.
  const extent = process.env.DREY_E2E_EXTENT === 'brief' ? 'brief' : 'whole';
  const { major, minor, patch } = distribution.version;
  const version = `${major}.${minor}.${patch}`;
  flinkContract(`real Flink ${version}`, () => openSessionCluster(distribution.home, version), extent);
}
