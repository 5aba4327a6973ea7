import type { FlinkConfig } from '../config/configuration.ts';
import { writeFlowYaml } from '../config/yaml-emit.ts';
import type { FlinkError } from '../errors.ts';
import { jobManagerDynamicConfigs, jobManagerJvmParameters, jobManagerMemory } from '../memory/job-manager.ts';
import { taskManagerDynamicConfigs, taskManagerJvmParameters, taskManagerMemory } from '../memory/task-manager.ts';
import { atLeast, before, type FlinkVersion } from '../versions/version.ts';
import { dynamicProperties, type FlinkCommand, type FlinkService, recogniseCommand } from './command.ts';
import { shellWords, splitBlanks } from './shell-words.ts';

/** Everything that decides how a Flink process is started. Paths are those that the process itself will see. */
export interface LaunchRequest {
  /** The container's command and arguments. */
  readonly argv: readonly string[];
  /** The container's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As loaded from the configuration directory. */
  readonly config: FlinkConfig;
  readonly version: FlinkVersion;
  /** For example `/opt/flink`. */
  readonly flinkHome: string;
  /** Every jar below `lib`, as paths relative to it. */
  readonly libJars: readonly string[];
  readonly java: { readonly executable: string; readonly major: number };
  readonly hostname: string;
  /** The user's name as the shell's USER; empty when it has none. */
  readonly user: string;
  /** Directories that the scripts put on the class path when they exist: `/etc/hadoop/conf`, `/etc/hbase/conf`. */
  readonly systemDirectories?: readonly string[];
}

/** The JVM that a Flink command ends in. */
export interface JavaLaunch {
  readonly kind: 'java';
  readonly service: FlinkService;
  readonly executable: string;
  /** All but `-classpath`. */
  readonly jvmArgs: readonly string[];
  readonly classpath: string;
  readonly mainClass: string;
  readonly programArgs: readonly string[];
  /** What the scripts export on top of the container's environment and Flink reads. */
  readonly env: Readonly<Record<string, string>>;
}

/** How a container is started. */
export type Launch =
  | JavaLaunch
  /** Run the command as it stands: it is none of Flink's, or it uses the shell in ways that only a shell can follow. */
  | { readonly kind: 'as-it-stands'; readonly reason: string }
  /** Flink's own scripts would refuse it too. */
  | { readonly kind: 'refused'; readonly error: FlinkError };

const MAIN_CLASSES: Readonly<Record<FlinkService, string>> = {
  taskexecutor: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
  standalonesession: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  standalonejob: 'org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint',
  'kubernetes-session': 'org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint',
  'kubernetes-application': 'org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint',
  'kubernetes-taskmanager': 'org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner',
};

/** Environment variables that change what the scripts do in ways that are not computed here. */
const UNSUPPORTED_ENV = ['HADOOP_HOME', 'HBASE_HOME', 'STD_REDIRECT_TO_FILE', 'FLINK_LIB_DIR', 'LD_PRELOAD'];

/**
 * The JVM that a container command ends in, computed instead of run: Flink's scripts start a second JVM for the memory
 * arithmetic and fork a lot. The JVM arguments, class path and main class are those that Flink's own scripts of this
 * version exec; generated `-D` settings may differ in order.
 */
export function launchOf(request: LaunchRequest): Launch {
  const command = recogniseCommand(request.argv, request.env);
  if (command === undefined) return { kind: 'as-it-stands', reason: 'the command is none of the known Flink commands' };
  const blocking = UNSUPPORTED_ENV.find((name) => (request.env[name] ?? '') !== '');
  if (blocking !== undefined) return { kind: 'as-it-stands', reason: `${blocking} is set` };
  const options = javaOptions(request, command.service);
  if (options === undefined) return { kind: 'as-it-stands', reason: 'the Java options need a shell' };
  if (scriptConfig(request, 'env.stdout-err.redirect-to-file') === 'true') {
    return { kind: 'as-it-stands', reason: 'env.stdout-err.redirect-to-file is set' };
  }
  const sized = sizes(request, command);
  if (sized.kind === 'refused') return sized;
  const confDir = request.env.FLINK_CONF_DIR || `${request.flinkHome}/conf`;
  const classpath = classpathOf(request);
  if (classpath === undefined) return { kind: 'as-it-stands', reason: 'lib holds no or several flink-dist jars' };
  return {
    kind: 'java',
    service: command.service,
    executable: executableOf(request),
    jvmArgs: [
      ...splitBlanks(request.env.JVM_ARGS ?? ''),
      ...(usesG1(request, command.service) ? ['-XX:+UseG1GC'] : []),
      ...sized.jvmParameters,
      ...options,
      ...logSettings(request, command.service, confDir),
    ],
    classpath,
    mainClass: MAIN_CLASSES[command.service],
    programArgs: programArguments(request, command, confDir, sized.dynamicConfigs),
    env: exportedEnvironment(request, confDir),
  };
}

/** The complete command line of a launch. */
export function commandLine(launch: JavaLaunch): string[] {
  return [
    launch.executable,
    ...launch.jvmArgs,
    '-classpath',
    launch.classpath,
    launch.mainClass,
    ...launch.programArgs,
  ];
}

interface Sized {
  readonly kind: 'sized';
  readonly jvmParameters: readonly string[];
  readonly dynamicConfigs: readonly string[];
}

function sizes(request: LaunchRequest, command: FlinkCommand): Sized | { kind: 'refused'; error: FlinkError } {
  const config = request.config.withAll(dynamicProperties(command.args));
  const { version, env } = request;
  if (command.service === 'kubernetes-taskmanager') {
    return { kind: 'sized', jvmParameters: splitBlanks(env.FLINK_TM_JVM_MEM_OPTS ?? ''), dynamicConfigs: [] };
  }
  const context = { version, deployment: 'scripts' as const };
  if (command.service === 'taskexecutor') {
    const memory = taskManagerMemory(config, { ...context, ...heapEnvironment(env.FLINK_TM_HEAP) });
    if (!memory.ok) return { kind: 'refused', error: memory.error };
    return {
      kind: 'sized',
      jvmParameters: taskManagerJvmParameters(memory.value),
      dynamicConfigs: asArguments(taskManagerDynamicConfigs(memory.value)),
    };
  }
  const memory = jobManagerMemory(config, { ...context, ...heapEnvironment(env.FLINK_JM_HEAP) });
  if (!memory.ok) return { kind: 'refused', error: memory.error };
  return {
    kind: 'sized',
    jvmParameters: jobManagerJvmParameters(memory.value),
    dynamicConfigs: asArguments(jobManagerDynamicConfigs(memory.value)),
  };
}

function heapEnvironment(text: string | undefined): { heapEnvironment?: string } {
  return text === undefined || text === '' ? {} : { heapEnvironment: text };
}

function asArguments(pairs: readonly (readonly [string, string])[]): string[] {
  return pairs.flatMap(([key, value]) => ['-D', `${key}=${value}`]);
}

function isJobManager(service: FlinkService): boolean {
  return service !== 'taskexecutor' && service !== 'kubernetes-taskmanager';
}

/** What the scripts read from the configuration, in the form in which they see it: since 1.19 as a YAML scalar. */
function scriptConfig(request: LaunchRequest, key: string): string {
  const text = request.config.raw(key);
  if (text === undefined) return '';
  const written = request.config.rules.structures === 'yaml' ? writeFlowYaml(text) : text;
  return written.split('\n', 1)[0]?.trim() ?? '';
}

function configuredOptions(request: LaunchRequest, which: 'all' | 'jobmanager' | 'taskmanager'): string {
  const variable = {
    all: 'FLINK_ENV_JAVA_OPTS',
    jobmanager: 'FLINK_ENV_JAVA_OPTS_JM',
    taskmanager: 'FLINK_ENV_JAVA_OPTS_TM',
  };
  const given = request.env[variable[which]] ?? '';
  if (given !== '') return given;
  const { version } = request;
  const current = atLeast(version, '1.17') || which !== 'all' ? scriptConfig(request, `env.java.opts.${which}`) : '';
  const older = which === 'all' && current === '' ? scriptConfig(request, 'env.java.opts') : '';
  const defaults = atLeast(version, '1.19') ? `${scriptConfig(request, `env.java.default-opts.${which}`)} ` : '';
  const unquoted = `${defaults}${current || older}`.replace(/^"/, '').replace(/"$/, '');
  if (which !== 'all') return unquoted;
  const ignoring = atLeast(version, '1.18') ? '-XX:+IgnoreUnrecognizedVMOptions ' : '';
  const security = atLeast(version, '1.19') && request.java.major > 17 ? ' -Djava.security.manager=allow' : '';
  return `${ignoring}${unquoted}${security}`;
}

/** The scripts pass the options through the shell twice: quotes vanish, and blanks inside them split. */
function javaOptions(request: LaunchRequest, service: FlinkService): string[] | undefined {
  const own = configuredOptions(request, isJobManager(service) ? 'jobmanager' : 'taskmanager');
  const options = `${configuredOptions(request, 'all')} ${own}`;
  // What a backslash means depends on which of the two passes sees it.
  const words = options.includes('\\') ? undefined : shellWords(options, shellVariables(request));
  return words?.flatMap(splitBlanks);
}

function shellVariables(request: LaunchRequest): Record<string, string | undefined> {
  const confDir = request.env.FLINK_CONF_DIR || `${request.flinkHome}/conf`;
  return {
    ...request.env,
    FLINK_HOME: request.flinkHome,
    FLINK_CONF_DIR: confDir,
    FLINK_LOG_DIR: logDirectory(request),
    HOSTNAME: request.hostname,
    USER: request.user,
  };
}

/** Up to 1.17 TaskManagers get the G1 collector when no options at all are set; later there always are some. */
function usesG1(request: LaunchRequest, service: FlinkService): boolean {
  if (isJobManager(service) || atLeast(request.version, '1.18')) return false;
  return configuredOptions(request, 'all') === '' && configuredOptions(request, 'taskmanager') === '';
}

function executableOf(request: LaunchRequest): string {
  const home = request.config.raw('env.java.home');
  return home === undefined ? request.java.executable : `${home}/bin/java`;
}

function logDirectory(request: LaunchRequest): string {
  return request.env.FLINK_LOG_DIR || scriptConfig(request, 'env.log.dir') || `${request.flinkHome}/log`;
}

function logSettings(request: LaunchRequest, service: FlinkService, confDir: string): string[] {
  const ident = request.env.FLINK_IDENT_STRING || request.user;
  const file = `${logDirectory(request)}/flink-${ident}-${service}-0-${request.hostname}.log`;
  return [
    `-Dlog.file=${file}`,
    `-Dlog4j.configuration=file:${confDir}/log4j-console.properties`,
    `-Dlog4j.configurationFile=file:${confDir}/log4j-console.properties`,
    `-Dlogback.configurationFile=file:${confDir}/logback-console.xml`,
  ];
}

/** Jars in the order of their bytes, the flink-dist jar last; undefined without exactly one of the latter. */
function jarPaths(flinkHome: string, libJars: readonly string[]): string[] | undefined {
  const isDist = (jar: string): boolean => /^flink-dist[^/]*\.jar$/.test(jar.split('/').at(-1) ?? '');
  const jars = [...libJars].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const [dist, ...more] = jars.filter(isDist);
  if (dist === undefined || more.length > 0) return undefined;
  return [...jars.filter((jar) => !isDist(jar)), dist].map((jar) => `${flinkHome}/lib/${jar}`);
}

/**
 * The class path of a process that sets no Hadoop entries, as Flink's scripts write it: the jars of `lib` (names relative to
 * it), then the Hadoop entries, which are empty. Undefined when lib holds no or several flink-dist jars.
 */
export function plainClasspath(flinkHome: string, libJars: readonly string[]): string | undefined {
  const paths = jarPaths(flinkHome, libJars);
  return paths === undefined ? undefined : [...paths, '', '', '', ''].join(':');
}

/** The jars, then the Hadoop entries, which are empty as a rule. */
function classpathOf(request: LaunchRequest): string | undefined {
  const paths = jarPaths(request.flinkHome, request.libJars);
  if (paths === undefined) return undefined;
  const { env } = request;
  const exists = (path: string): string => (request.systemDirectories?.includes(path) ? path : '');
  const hadoopClasspath = env.HADOOP_CLASSPATH ?? '';
  const hadoop =
    env.HADOOP_CONF_DIR ||
    scriptConfig(request, 'env.hadoop.conf.dir') ||
    (hadoopClasspath === '' ? exists('/etc/hadoop/conf') : '');
  const yarn = env.YARN_CONF_DIR || scriptConfig(request, 'env.yarn.conf.dir');
  const hbase = env.HBASE_CONF_DIR || scriptConfig(request, 'env.hbase.conf.dir') || exists('/etc/hbase/conf');
  return [...paths, '', hadoopClasspath, hadoop, yarn, ...(hbase === '' ? [] : [hbase])].join(':');
}

function programArguments(
  request: LaunchRequest,
  command: FlinkCommand,
  confDir: string,
  dynamic: readonly string[],
): string[] {
  const configDir = ['--configDir', confDir];
  switch (command.service) {
    case 'kubernetes-session':
    case 'kubernetes-application':
      return [...dynamic, ...command.args];
    case 'standalonesession':
      return [...dynamic, ...configDir, ...sessionArguments(request.version, command.args)];
    case 'standalonejob':
    case 'taskexecutor':
    case 'kubernetes-taskmanager':
      return [...configDir, ...dynamic, ...command.args];
  }
}

/** `jobmanager.sh` takes a host and a web port before any `-D`. */
function sessionArguments(version: FlinkVersion, args: readonly string[]): string[] {
  const isOption = (word: string | undefined): boolean => word === undefined || word === '' || word === '-D';
  const [first, second] = args;
  const named = isOption(first) ? 0 : isOption(second) ? 1 : 2;
  const rest = args.slice(named);
  const [host, port] = args.slice(0, named);
  if (before(version, '2.0')) {
    const legacy = [
      ...(host === undefined ? [] : ['--host', host]),
      ...(port === undefined ? [] : ['--webui-port', port]),
    ];
    return ['--executionMode', 'cluster', ...rest, ...legacy];
  }
  const settings = [
    ...(host === undefined ? [] : ['-D', `jobmanager.rpc.address=${host}`]),
    ...(port === undefined ? [] : ['-D', `rest.port=${port}`]),
  ];
  return [...rest, ...settings];
}

function exportedEnvironment(request: LaunchRequest, confDir: string): Record<string, string> {
  const unquote = (text: string): string => text.replace(/^'(.*)'$/, '$1');
  return {
    FLINK_CONF_DIR: confDir,
    FLINK_BIN_DIR: `${request.flinkHome}/bin`,
    FLINK_LIB_DIR: `${request.flinkHome}/lib`,
    FLINK_OPT_DIR: request.env.FLINK_OPT_DIR || `${request.flinkHome}/opt`,
    FLINK_PLUGINS_DIR: request.env.FLINK_PLUGINS_DIR || `${request.flinkHome}/plugins`,
    MAX_LOG_FILE_NUMBER: request.env.MAX_LOG_FILE_NUMBER || unquote(scriptConfig(request, 'env.log.max')) || '10',
    ...(atLeast(request.version, '1.19')
      ? { ROOT_LOG_LEVEL: request.env.ROOT_LOG_LEVEL || scriptConfig(request, 'env.log.level') || 'INFO' }
      : {}),
  };
}
