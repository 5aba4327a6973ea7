import { recogniseCommand } from '@drey/flink';
import type { Container } from '@drey/kube';

/** What the main container of a Flink pod is told to be. */
export type ContainerRole = JobManagerRole | TaskManagerRole;

export interface JobManagerRole {
  readonly process: 'jobmanager';
  readonly target: 'application' | 'session';
  /** Native: it starts its TaskManagers itself. */
  readonly native: boolean;
  /** Configuration given on the command line, which wins over the file. */
  readonly properties: Readonly<Record<string, string>>;
  readonly programArgs: readonly string[];
}

export interface TaskManagerRole {
  readonly process: 'taskmanager';
  readonly properties: Readonly<Record<string, string>>;
}

/** Reads the command of a container as the image's entry point does; undefined: it is no Flink process. */
export function containerRole({ command, args, env }: Container): ContainerRole | undefined {
  const values = Object.fromEntries((env ?? []).map((one) => [one.name, one.value ?? '']));
  const found = recogniseCommand([...(command ?? []), ...(args ?? [])], values);
  if (found === undefined) return undefined;
  const { properties, programArgs } = argumentsOf(found.args);
  switch (found.service) {
    case 'kubernetes-taskmanager':
    case 'taskexecutor':
      return { process: 'taskmanager', properties };
    case 'kubernetes-application':
      return { process: 'jobmanager', target: 'application', native: true, properties, programArgs: [] };
    case 'kubernetes-session':
      return { process: 'jobmanager', target: 'session', native: true, properties, programArgs: [] };
    case 'standalonejob':
      return { process: 'jobmanager', target: 'application', native: false, properties, programArgs };
    case 'standalonesession':
      return { process: 'jobmanager', target: 'session', native: false, properties, programArgs: [] };
  }
}

/** Options of the entry point that take a value, and the configuration they stand for. */
const options: Readonly<Record<string, string>> = {
  '--job-classname': '$internal.application.main',
  '-j': '$internal.application.main',
  '--job-id': '$internal.pipeline.job-id',
  '-jid': '$internal.pipeline.job-id',
  '--fromSavepoint': 'execution.state-recovery.path',
  '-s': 'execution.state-recovery.path',
};
const flags: readonly string[] = ['--allowNonRestoredState', '-n'];

/** Flink stops at the first word it does not know: that and what follows is the program's. */
function argumentsOf(words: readonly string[]): {
  properties: Record<string, string>;
  programArgs: readonly string[];
} {
  const properties: Record<string, string> = {};
  const set = (text: string): void => {
    const at = text.indexOf('=');
    if (at > 0) properties[text.slice(0, at)] = text.slice(at + 1);
  };
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    const key = options[word];
    if (key !== undefined) properties[key] = words[++at] ?? '';
    else if (word === '-D') set(words[++at] ?? '');
    else if (word.startsWith('-D')) set(word.slice(2));
    else if (!flags.includes(word)) break;
  }
  return { properties, programArgs: words.slice(at) };
}
