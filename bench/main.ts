import { loadavg } from 'node:os';
import { join } from 'node:path';
import { findDistribution, parseFlinkVersion, systemDistribution } from '@drey/flink';
import { type ByHandTimes, type Sizing, startByHand } from './by-hand.ts';
import { type DreyTimes, startOnDrey, type UpgradeTimes } from './drey-start.ts';
import { compareWithBudgets, line as lineOf, median } from './report.ts';

/**
 * `npm run bench [-- ROUNDS]`: the same job started by hand with Flink's own scripts and on Drey's node, in turn, with the
 * split of Drey's seconds, against the budgets of bench/budgets.json. Exit code 1 when a budget is not kept.
 */
const entryClass = 'org.apache.flink.streaming.examples.statemachine.StateMachineExample';
const sizing: Sizing = {
  jobManagerMemory: '1024m',
  taskManagerMemory: '1536m',
  slots: 2,
  parallelism: 2,
  checkpointInterval: '5 s',
};
const rounds = Number(process.argv[2] ?? 3);

const distribution = await findDistribution(systemDistribution(), parseFlinkVersion('1.20'));
if (distribution === undefined) throw new Error('Flink 1.20 is not installed. Run: drey flink install 1.20');
const jar = join(distribution.home, 'examples', 'streaming', 'StateMachineExample.jar');

const byHand: ByHandTimes[] = [];
const onDrey: Awaited<ReturnType<typeof startOnDrey>>[] = [];
for (let round = 0; round < rounds; round++) {
  byHand.push(await startByHand(distribution.home, jar, entryClass, sizing));
  onDrey.push(await startOnDrey(entryClass, sizing));
}

const hand = (key: keyof ByHandTimes): number => median(byHand.map((one) => one[key]));
const drey = (key: keyof DreyTimes): number => median(onDrey.map((one) => one.start[key]));
const line = (what: string, value: number): void => lineOf(what, value, 's');

process.stdout.write(`medians of ${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}\n\nby hand, Flink's own scripts\n`);
line('  JobManager answers', hand('restAnswers'));
line('  TaskManager registered', hand('taskManagerRegistered'));
line('  all tasks RUNNING', hand('tasksRunning'));
process.stdout.write('\non Drey, from the create of the FlinkDeployment\n');
line('  operator: Deployment exists', drey('deploymentExists'));
line('  node: JobManager process started', drey('jobManagerStarted') - drey('deploymentExists'));
line('  JobManager JVM: REST answers', drey('restAnswers') - drey('jobManagerStarted'));
line('  TaskManager pod asked for and started', drey('taskManagerStarted') - drey('restAnswers'));
line('  TaskManager JVM: registered', drey('taskManagerRegistered') - drey('taskManagerStarted'));
line('  tasks: all RUNNING', drey('tasksRunning') - drey('taskManagerRegistered'));
line('  all tasks RUNNING', drey('tasksRunning'));
line('  RUNNING in status', drey('runningInStatus'));

const upgrade = (key: keyof UpgradeTimes): number => median(onDrey.map((one) => one.upgrade[key]));
process.stdout.write('\nupgrade with savepoint, from the last moment all tasks ran\n');
line('  savepoint in the status', upgrade('savepointKnown'));
line('  old cluster gone', upgrade('oldClusterGone') - upgrade('savepointKnown'));
line('  new JobManager process started', upgrade('jobManagerStarted') - upgrade('oldClusterGone'));
line('  JobManager JVM, TaskManager pod started', upgrade('taskManagerStarted') - upgrade('jobManagerStarted'));
line('  TaskManager JVM and tasks: all RUNNING', upgrade('tasksDown') - upgrade('taskManagerStarted'));
line('  tasks down', upgrade('tasksDown'));

const arrived = median(onDrey.map((one) => Math.max(one.start.runningInStatus, one.start.tasksRunning)));
compareWithBudgets('start', {
  startRatio: arrived / hand('tasksRunning'),
  upgradeTasksDownSeconds: median(onDrey.map((one) => one.upgrade.tasksDown)),
  upgradeReportedAfterSeconds: median(onDrey.map((one) => one.upgrade.reportedAfter)),
  jobManagerDeathInStatusSeconds: median(onDrey.map((one) => one.death.inStatus)),
  apiReadySeconds: median(onDrey.map((one) => one.apiReadySeconds)),
  residentMiB: median(onDrey.map((one) => one.residentMiB)),
});
