import { SimulatedJobManager, SimulatedStorage, simulatedFlinkTransport, usualTimings } from '@drey/devcluster/testing';
import { flinkRest, parseFlinkVersion } from '@drey/flink';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { type FlinkTarget, flinkContract } from '../e2e/flink-contract/suite.ts';

/** A session cluster in virtual time. */
async function openSimulated(version: string): Promise<FlinkTarget> {
  const clock = new VirtualClock();
  const jobManager = new SimulatedJobManager({
    ...{ clock, random: new SeededRandom(1), storage: new SimulatedStorage(), timings: usualTimings, version },
    ...{ clusterId: 'default/session', host: '10.1.0.1', adaptive: false, shutdownOnFinish: false },
    jobDefaults: {
      checkpointIntervalMs: 1000,
      checkpointDir: 'file:///state/checkpoints',
      retainOnCancellation: false,
      savepointDir: undefined,
    },
    onSlotsNeeded: () => undefined,
    onExit: () => undefined,
  });
  await clock.until(() => jobManager.restUp);
  const transport = simulatedFlinkTransport(() => jobManager);
  const endpoint = { baseUrl: 'http://session:8081', transport, timeoutMs: 5_000, maxBytes: 4 * 1024 * 1024 };
  const rest = flinkRest(endpoint, parseFlinkVersion(version));
  const upload = await rest.uploadJar('job.jar', new Uint8Array());
  let taskManagers = 0;
  const startTaskManager = async (): Promise<void> =>
    jobManager.registerTaskManager({ id: `tm-${++taskManagers}`, host: '10.1.0.2', slots: 4 });
  await startTaskManager();
  return {
    rest,
    jar: {
      id: upload.kind === 'ok' ? upload.value : '',
      entryClass: 'org.apache.flink.streaming.examples.statemachine.StateMachineExample',
    },
    savepoints: 'file:///state/savepoints',
    unwritable: 'file:///proc/savepoints',
    sleep: (ms) => clock.advance(ms),
    killTaskManager: async () => jobManager.loseTaskManager(`tm-${taskManagers}`),
    startTaskManager,
    close: async () => jobManager.kill(),
  };
}

for (const version of ['1.20.5', '2.3.0']) {
  flinkContract(`simulated Flink ${version}`, () => openSimulated(version));
}
