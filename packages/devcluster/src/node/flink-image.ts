import type { Container, Pod } from '@drey/kube';

/** What the official Flink image adds to a distribution: layout, entrypoint behaviour and settings. */

export const FLINK_HOME = '/opt/flink';
export const FLINK_ENTRYPOINT = '/docker-entrypoint.sh';

/** Whether a container of the Flink image is a JobManager or a TaskManager; undefined for anything else. */
export function flinkComponent(pod: Pod, container: Container): 'jobmanager' | 'taskmanager' | undefined {
  const command = [...(container.command ?? []), ...(container.args ?? [])].join(' ');
  if (/\btaskmanager\b|kubernetes-taskmanager|TaskManagerRunner/.test(command)) return 'taskmanager';
  if (/\bjobmanager\b|standalone-job|kubernetes-(application|session)|ClusterEntrypoint/.test(command)) {
    return 'jobmanager';
  }
  const label = pod.metadata.labels?.component;
  return command.includes('flink') && (label === 'jobmanager' || label === 'taskmanager') ? label : undefined;
}

/**
 * Settings that make a Flink process listen on its pod's address only, so that any number of clusters keep the usual
 * ports side by side on one machine.
 */
export function addressSettings(
  component: 'jobmanager' | 'taskmanager' | undefined,
  podAddress: string,
): Record<string, string> {
  switch (component) {
    case 'jobmanager':
      return { 'jobmanager.bind-host': podAddress, 'rest.bind-address': podAddress };
    case 'taskmanager':
      return { 'taskmanager.bind-host': podAddress, 'taskmanager.host': podAddress };
    case undefined:
      return {};
  }
}

/**
 * A component that is not there yet is asked again after half a second, where Flink waits ten: with fast starts a JobManager
 * often asks for its ResourceManager a moment too early. Left alone when the configuration says something about it.
 */
export function registrationSettings(configuration: string, flinkVersion: string): Record<string, string> {
  if (/registration[\s\S]*error-delay/.test(configuration)) return {};
  const [major = 0, minor = 0] = flinkVersion.split('.').map(Number);
  const takesUnits = major > 1 || minor >= 18;
  return { 'cluster.registration.error-delay': takesUnits ? '500 ms' : '500' };
}

/**
 * What the image's entrypoint writes into its own configuration, before a mounted one hides it: FLINK_PROPERTIES, the
 * JobManager's address and fixed ports.
 */
export function entrypointSettings(env: Readonly<Record<string, string>>, hostname: string): Record<string, string> {
  const slots = env.TASK_MANAGER_NUMBER_OF_TASK_SLOTS;
  return {
    'jobmanager.rpc.address': env.JOB_MANAGER_RPC_ADDRESS ?? hostname,
    'blob.server.port': '6124',
    'query.server.port': '6125',
    ...(slots === undefined ? {} : { 'taskmanager.numberOfTaskSlots': slots }),
    ...parseProperties(env.FLINK_PROPERTIES ?? ''),
  };
}

function parseProperties(text: string): Record<string, string> {
  const pairs = text
    .split('\n')
    .map((line) => /^\s*([^#:\s][^:]*?)\s*:\s+(.*?)\s*$/.exec(line))
    .flatMap((match) => (match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const]));
  return Object.fromEntries(pairs);
}

/**
 * Adds flat settings to the text of a configuration file of either format. Flat lines of the same keys are removed
 * first; in `config.yaml` a flat key at the end wins over a nested one above it.
 */
export function withSettings(text: string, settings: Readonly<Record<string, string>>): string {
  const entries = Object.entries(settings);
  if (entries.length === 0) return text;
  const kept = text.split('\n').filter((line) => !entries.some(([key]) => line.startsWith(`${key}:`)));
  while (kept.at(-1)?.trim() === '') kept.pop();
  return `${[...kept, ...entries.map(([key, value]) => `${key}: ${value}`)].join('\n')}\n`;
}

/** Jars that ENABLE_BUILT_IN_PLUGINS (`a.jar;b.jar`) asks for, each with the plugin directory it goes to. */
export function builtInPlugins(env: Readonly<Record<string, string>>): { jar: string; directory: string }[] {
  return (env.ENABLE_BUILT_IN_PLUGINS ?? '')
    .split(';')
    .map((jar) => jar.trim())
    .filter((jar) => /^[\w.-]+\.jar$/.test(jar))
    .map((jar) => ({ jar, directory: jar.replace(/\.jar$/, '') }));
}

/**
 * The entrypoint: commands of the image by name, anything else as it stands. Configuration and plugins were prepared by
 * the node.
 */
export const ENTRYPOINT_SCRIPT = `#!/bin/bash
home="\${FLINK_HOME:-${FLINK_HOME}}"
case "$1" in
  jobmanager | taskmanager | standalone-job)
    script="$home/bin/$1.sh"
    ;;
  history-server)
    script="$home/bin/historyserver.sh"
    ;;
  help | '')
    echo "Usage: $(basename "$0") (jobmanager|standalone-job|taskmanager|history-server|help) [args], or any command"
    exit 0
    ;;
  *)
    exec "$@"
    ;;
esac
shift
exec "$script" start-foreground "$@"
`;
