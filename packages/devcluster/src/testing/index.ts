export { FlinkFabric } from '../simulation/flink/fabric.ts';
export { SimulatedJobManager } from '../simulation/flink/jobmanager.ts';
export { flinkPrograms } from '../simulation/flink/programs.ts';
export { vertices as simulatedVertices } from '../simulation/flink/rest-shapes.ts';
export { type RunEvent, SimulatedStorage, type Snapshot } from '../simulation/flink/storage.ts';
export { type Timings, usualTimings } from '../simulation/flink/timings.ts';
export { fabricAddress, fabricTransport, simulatedFlinkTransport } from '../simulation/flink/transport.ts';
export { SimulatedNode, type SimulatedNodeOptions } from '../simulation/node.ts';
export { createSimulatedWorld, type SimulatedWorld, type SimulatedWorldOptions } from '../simulation/world.ts';
