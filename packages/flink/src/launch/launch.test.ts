import { describe, expect, test } from 'vitest';
import { FlinkConfig, launchOf, recogniseCommand, withArchive } from '../index.ts';
import { shellWords } from './shell-words.ts';

describe('reading a shell text', () => {
  const cases: [string, string[] | undefined][] = [
    [` a  'b c' "d" e'f'g `, ['a', 'b c', 'd', 'efg']],
    [`-D x="gpu" -Dy=''`, ['-D', 'x=gpu', '-Dy=']],
    ['$HOME/x ${HOME} "$HOME"', ['/h/x', '/h', '/h']],
    ['$NOTHING a', ['a']],
    [String.raw`-Dpipeline.jars='['\''file:/a b.jar'\'']' \*`, ["-Dpipeline.jars=['file:/a b.jar']", '*']],
    ['a\\', undefined],
    ['a $(b)', undefined],
    ['a `b`', undefined],
    [`it's`, undefined],
    ['a; b', undefined],
    ['a > b', undefined],
    ['*', undefined],
    ['$BLANKS', undefined],
  ];
  test.each(cases)('%j gives %j', (text, words) => {
    expect(shellWords(text, { HOME: '/h', BLANKS: 'a b' })).toEqual(words);
  });
});

describe('recognising commands', () => {
  test.each([
    [
      ['/docker-entrypoint.sh', 'bash', '-c', 'kubernetes-jobmanager.sh kubernetes-application '],
      'kubernetes-application',
    ],
    [['/docker-entrypoint.sh', 'bash', '-c', "kubernetes-taskmanager.sh -Da='b'"], 'kubernetes-taskmanager'],
    [['/docker-entrypoint.sh', 'standalone-job', '--job-classname', 'X'], 'standalonejob'],
    [['/opt/flink/bin/taskmanager.sh', 'start-foreground'], 'taskexecutor'],
    [['/opt/flink/bin/taskmanager.sh', 'start'], undefined],
    [['sleep', '1'], undefined],
    [['bash', '-c', 'sleep 1; kubernetes-taskmanager.sh'], undefined],
  ])('%j is %s', (argv, service) => {
    expect(recogniseCommand(argv, {})?.service).toBe(service);
  });
});

test('an archive is added without changing anything else', () => {
  const launch = launchOf({
    argv: ['docker-entrypoint.sh', 'jobmanager'],
    env: {},
    config: FlinkConfig.of({ 'jobmanager.memory.process.size': '1g' }),
    version: { major: 2, minor: 3 },
    flinkHome: '/opt/flink',
    libJars: ['b.jar', 'flink-dist-2.3.0.jar', 'a.jar'],
    java: { executable: '/usr/bin/java', major: 21 },
    hostname: 'h',
    user: '',
  });
  if (launch.kind !== 'java') throw new Error(launch.kind);
  expect(launch.classpath).toBe('/opt/flink/lib/a.jar:/opt/flink/lib/b.jar:/opt/flink/lib/flink-dist-2.3.0.jar::::');
  expect(launch.jvmArgs).toContain('-Djava.security.manager=allow');
  const archived = withArchive(launch, '/x.jsa');
  expect(archived.jvmArgs.slice(0, launch.jvmArgs.length)).toEqual(launch.jvmArgs);
  expect(archived.jvmArgs).toContain('-XX:SharedArchiveFile=/x.jsa');
});
