import type { JavaLaunch } from './launch.ts';

/**
 * Ten times the JVM's own thresholds for its optimizing compiler (C2). On few cores that compiler takes the time of the
 * classes that are still to be started, for code that runs once.
 */
const LATER = [
  '-XX:Tier4InvocationThreshold=50000',
  '-XX:Tier4MinInvocationThreshold=6000',
  '-XX:Tier4CompileThreshold=150000',
  '-XX:Tier4BackEdgeThreshold=400000',
];

/**
 * The same launch with the optimizing compiler starting later: a Flink process is up about a sixth sooner on two cores
 * (docs/adr/0005), and what runs hot is optimized as far as ever, some seconds later. For HotSpot JVMs only. Options of the
 * user come after these and win.
 */
export function withLaterOptimizer(launch: JavaLaunch): JavaLaunch {
  return { ...launch, jvmArgs: [...LATER, ...launch.jvmArgs] };
}
