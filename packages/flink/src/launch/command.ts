import { shellWords, splitBlanks } from './shell-words.ts';

/** The services that Flink's console script knows and that run in a cluster's containers. */
export type FlinkService =
  | 'kubernetes-session'
  | 'kubernetes-application'
  | 'kubernetes-taskmanager'
  | 'standalonesession'
  | 'standalonejob'
  | 'taskexecutor';

/** A container command that starts a Flink process, with the arguments its script was given. */
export interface FlinkCommand {
  readonly service: FlinkService;
  readonly args: readonly string[];
}

/**
 * Recognises Flink's own container commands: what the native client writes
 * (`/docker-entrypoint.sh bash -c "kubernetes-jobmanager.sh kubernetes-application …"`), the image's own words
 * (`jobmanager`, `standalone-job`, `taskmanager`), and the scripts called directly with `start-foreground`. Undefined for
 * anything else, and for command lines that need a shell.
 */
export function recogniseCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): FlinkCommand | undefined {
  const [first, ...rest] = argv;
  if (first === undefined) return undefined;
  if (/(?:^|\/)docker-entrypoint\.sh$/.test(first)) return imageWord(rest) ?? recogniseCommand(rest, env);
  if (/^(?:\/(?:usr\/)?bin\/)?(?:ba)?sh$/.test(first) && rest.length === 2 && rest[0] === '-c') {
    const words = shellWords((rest[1] ?? '').replace(/^\s*exec\s/, ''), env);
    return words === undefined ? undefined : script(words);
  }
  return script(argv);
}

function imageWord(argv: readonly string[]): FlinkCommand | undefined {
  const [word, ...args] = argv;
  switch (word) {
    case 'jobmanager':
      return { service: 'standalonesession', args };
    case 'standalone-job':
      return { service: 'standalonejob', args };
    case 'taskmanager':
      return { service: 'taskexecutor', args };
    default:
      return undefined;
  }
}

function script(argv: readonly string[]): FlinkCommand | undefined {
  const [path = '', ...args] = argv;
  const name = /^(?:[^ ]*\/bin\/)?([\w-]+\.sh)$/.exec(path)?.[1];
  switch (name) {
    case 'kubernetes-jobmanager.sh': {
      const [service, ...more] = args;
      return service === 'kubernetes-session' || service === 'kubernetes-application'
        ? { service, args: more }
        : undefined;
    }
    case 'kubernetes-taskmanager.sh':
      return { service: 'kubernetes-taskmanager', args };
    case 'jobmanager.sh':
    case 'standalone-job.sh':
    case 'taskmanager.sh':
      return args[0] === 'start-foreground' ? imageWord([name.slice(0, -'.sh'.length), ...args.slice(1)]) : undefined;
    default:
      return undefined;
  }
}

/**
 * The configuration that `-D key=value` and `-Dkey=value` arguments set for the memory arithmetic; other arguments are
 * passed over. The scripts hand arguments on unquoted, so they are split at blanks.
 */
export function dynamicProperties(args: readonly string[]): [string, string][] {
  const words = args.flatMap(splitBlanks);
  const out: [string, string][] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (!word.startsWith('-D')) continue;
    const text = word === '-D' ? (words[at + 1] ?? '') : word.slice(2);
    if (word === '-D') at += 1;
    const equals = text.indexOf('=');
    if (equals === -1) out.push([text, 'true']);
    else out.push([text.slice(0, equals), text.slice(equals + 1)]);
  }
  return out;
}
