import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { example, hasKubectl, isStable, startDrey, type TestCluster } from './support/drey.ts';
import { flinkJob } from './support/flink-job.ts';

/** `logConfiguration` on real Flink 1.20: its file reaches the pods and is the one that their JVMs log by. */

const NAME = 'logged';
const MARK = 'own-layout';
const FILE = 'log4j-console.properties';
const OWN = [
  'monitorInterval = 1',
  'rootLogger.level = INFO',
  'rootLogger.appenderRef.console.ref = Console',
  'appender.console.name = Console',
  'appender.console.type = CONSOLE',
  'appender.console.layout.type = PatternLayout',
  `appender.console.layout.pattern = ${MARK} %p %c - %m%n`,
  'logger.slots.name = org.apache.flink.runtime.taskexecutor.TaskExecutor',
  'logger.slots.level = DEBUG',
].join('\n');

describe.skipIf(!hasKubectl)('a deployment with a logging configuration of its own', () => {
  let cluster: TestCluster;
  const pod = (component: string): string =>
    cluster.kubectl(
      'get',
      'pods',
      '-l',
      `app=${NAME},component=${component}`,
      '-o',
      'jsonpath={.items[0].metadata.name}',
    );
  const logOf = (component: string): readonly string[] =>
    cluster.kubectl('logs', pod(component), '-c', 'flink-main-container').split('\n');

  beforeAll(async () => {
    cluster = await startDrey('e2e-logging');
    cluster.apply(
      example(NAME, (object) => {
        object.spec.logConfiguration = { [FILE]: OWN };
      }),
    );
    await cluster.reach(NAME, 'running', isStable, 120_000);
    await flinkJob(cluster, NAME).tasksRun();
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  it('mounts that file, and no default beside it', () => {
    const map = JSON.parse(cluster.kubectl('get', 'configmap', `flink-config-${NAME}`, '-o', 'json')) as {
      readonly data: Readonly<Record<string, string>>;
    };
    expect(map.data[FILE]?.trim()).toBe(OWN);
    expect(Object.keys(map.data).filter((key) => /log(4j|back)/.test(key))).toEqual([FILE]);
    const place = cluster.kubectl(
      'exec',
      pod('jobmanager'),
      '-c',
      'flink-main-container',
      '--',
      'sh',
      '-c',
      'cat "$FLINK_CONF_DIR"/log4j-console.properties',
    );
    expect(place.trim()).toBe(OWN);
  });

  it.each(['jobmanager', 'taskmanager'])('is what the %s logs by', (component) => {
    const log = logOf(component);
    const own = log.filter((line) => line.startsWith(`${MARK} INFO org.apache.flink.`));
    expect(own.length).toBeGreaterThan(10);
    // The layouts of Drey's and of Flink's own configuration begin with the time.
    expect(log.filter((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARN|ERROR|DEBUG)/.test(line))).toEqual(
      [],
    );
    expect(log.filter((line) => /SLF4J.*multiple|Multiple SLF4J/i.test(line))).toEqual([]);
  });

  it('sets levels by logger', () => {
    const debug = logOf('taskmanager').filter((line) => line.startsWith(`${MARK} DEBUG `));
    expect(debug.length).toBeGreaterThan(0);
    expect(debug.filter((line) => !line.includes('org.apache.flink.runtime.taskexecutor.TaskExecutor'))).toEqual([]);
  });
});
