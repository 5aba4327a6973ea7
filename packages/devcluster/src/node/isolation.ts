import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * How far this machine lets a pod have its own view of the file system.
 * `namespaces`: a mount namespace per container; `user`: inside a user namespace, for a node without root.
 * `paths`: none of that; paths in commands, variables and configuration are replaced by where the files really are.
 */
export type Isolation =
  | { readonly type: 'namespaces'; readonly user: boolean; readonly tools: Tools }
  | { readonly type: 'paths' };

export interface Tools {
  readonly unshare: string;
  readonly nsenter: string;
  readonly mount: string;
  readonly chroot: string;
  readonly hostname: string | undefined;
}

const TOOL_DIRECTORIES = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];

/** Finds the strongest isolation that works here, by trying it. */
export async function detectIsolation(platform: NodeJS.Platform = process.platform): Promise<Isolation> {
  const [unshare, nsenter, mount, chroot] = ['unshare', 'nsenter', 'mount', 'chroot'].map(findTool);
  if (platform !== 'linux' || !unshare || !nsenter || !mount || !chroot) return { type: 'paths' };
  const tools: Tools = { unshare, nsenter, mount, chroot, hostname: findTool('hostname') };
  for (const user of process.getuid?.() === 0 ? [false, true] : [true]) {
    if (await works(unshare, [...namespaceFlags(user), mount, '--bind', '/tmp', '/tmp'])) {
      return { type: 'namespaces', user, tools };
    }
  }
  return { type: 'paths' };
}

async function works(file: string, args: readonly string[]): Promise<boolean> {
  try {
    await promisify(execFile)(file, [...args], { timeout: 5000 });
    return true;
  } catch {
    return false;
  }
}

function findTool(name: string): string | undefined {
  return TOOL_DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function namespaceFlags(user: boolean): string[] {
  return [...(user ? ['--user', '--map-root-user'] : []), '--mount', '--uts', '--propagation', 'private'];
}

export interface IsolatedCommand {
  readonly fstab: string;
  readonly root: string;
  readonly hostname: string;
  readonly workingDirectory: string;
  readonly command: readonly string[];
}

/** What descriptor 3 carries when the container's command is about to run; anything else is the reason why it is not. */
export const STARTED_MARK = 'started';

/**
 * A command line that mounts the container's root, enters it and becomes the container's command: same process id, no
 * process left between. Problems are reported on descriptor 3 and end with exit code 128.
 */
export function isolatedCommand(
  isolation: Extract<Isolation, { type: 'namespaces' }>,
  run: IsolatedCommand,
): [string, ...string[]] {
  const { tools } = isolation;
  return [
    tools.unshare,
    ...namespaceFlags(isolation.user),
    '/bin/sh',
    '-c',
    OUTER_SCRIPT,
    'drey',
    tools.hostname ?? ':',
    run.hostname,
    tools.mount,
    run.fstab,
    tools.chroot,
    run.root,
    INNER_SCRIPT,
    run.workingDirectory,
    ...run.command,
  ];
}

const OUTER_SCRIPT = `
"$1" "$2" 2>/dev/null 3>&-
"$3" --all --fstab "$4" >&3 2>&1 || exit 128
chroot=$5 root=$6 inner=$7
shift 7
exec "$chroot" "$root" /bin/sh -c "$inner" drey "$@"
`;

const INNER_SCRIPT = `
{ mkdir -p "$1" && cd "$1"; } 2>&3 || exit 128
shift
command -v -- "$1" >/dev/null || { printf 'exec: "%s": executable file not found in $PATH' "$1" >&3; exit 128; }
printf ${STARTED_MARK} >&3
exec 3>&-
exec "$@"
`;

/** As {@link isolatedCommand}, for a command that runs on the machine as it is. */
export function plainCommand(workingDirectory: string, command: readonly string[]): [string, ...string[]] {
  return ['/bin/sh', '-c', INNER_SCRIPT, 'drey', workingDirectory, ...command];
}

/** The command line that runs `command` inside the namespaces and root of a running container. */
export function enterCommand(
  isolation: Extract<Isolation, { type: 'namespaces' }>,
  target: { readonly pid: number; readonly workingDirectory: string },
  command: readonly string[],
): [string, ...string[]] {
  const user = isolation.user ? ['--user', '--preserve-credentials'] : [];
  return [
    isolation.tools.nsenter,
    '--target',
    String(target.pid),
    ...user,
    '--mount',
    '--uts',
    '--root',
    '--wd',
    ...inDirectory(target.workingDirectory, command),
  ];
}

/** Runs a command in a directory, with the message that users know when there is no such program. */
export function inDirectory(workingDirectory: string, command: readonly string[]): [string, ...string[]] {
  return [
    '/bin/sh',
    '-c',
    'cd "$1" 2>/dev/null; shift; command -v -- "$1" >/dev/null || { printf \'exec: "%s": executable file not found in $PATH\\n\' "$1" >&2; exit 127; }; exec "$@"',
    'drey',
    workingDirectory,
    ...command,
  ];
}
