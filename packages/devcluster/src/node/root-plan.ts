/** Something to be seen at `destination` inside a container. */
export interface MountRequest {
  /** Absolute path inside the container. */
  readonly destination: string;
  /** Path on the host. */
  readonly source: string;
  readonly kind: 'directory' | 'file';
  readonly readOnly: boolean;
  /** True when the node made `source` itself and may create mount points in it. */
  readonly owned: boolean;
}

export type HostKind = 'directory' | 'file' | 'symlink' | 'other' | 'missing';

/** What the planner asks about the host's file system. */
export interface HostView {
  /** Kind of the path itself; symbolic links are not followed. */
  kind(path: string): HostKind;
  entries(path: string): readonly string[];
  readlink(path: string): string;
}

/** What has to be made on the host, and what to mount, in order. */
export interface RootPlan {
  readonly directories: readonly string[];
  readonly files: readonly string[];
  readonly symlinks: readonly { readonly path: string; readonly target: string }[];
  readonly mounts: readonly PlannedMount[];
}

export interface PlannedMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * Plans a container's root directory: the host's file system with `requests` laid over it.
 *
 * The root is a real, otherwise empty directory that holds a bind mount per top-level entry of the host, so mount points
 * that do not exist on the host (`/opt/flink`, `/flink-data`) can be made without touching it. A missing mount point
 * deeper down makes the planner "open" its nearest existing directory: a directory of ours takes its place, with every
 * entry of the original bound into it.
 */
export function planRoot(
  requests: readonly MountRequest[],
  options: { readonly rootDirectory: string; readonly skeletonDirectory: string; readonly host: HostView },
): RootPlan {
  const planner = new Planner(options.rootDirectory, options.skeletonDirectory, options.host);
  planner.open('/', '/', options.rootDirectory);
  const byDepth = [...requests].sort((a, b) => depth(a.destination) - depth(b.destination));
  for (const request of byDepth) planner.add(request);
  return planner.plan();
}

interface Cover {
  readonly source: string;
  readonly owned: boolean;
}

class Planner {
  readonly #root: string;
  readonly #skeletons: string;
  readonly #host: HostView;
  readonly #covers = new Map<string, Cover>();
  readonly #directories = new Set<string>();
  readonly #files = new Set<string>();
  readonly #symlinks: { path: string; target: string }[] = [];
  /** By destination, in mount order: a Map keeps insertion order, and moving is delete and set. */
  readonly #mounts = new Map<string, PlannedMount>();
  #opened = 0;

  constructor(root: string, skeletons: string, host: HostView) {
    this.#root = root;
    this.#skeletons = skeletons;
    this.#host = host;
  }

  add(request: MountRequest): void {
    const destination = this.#canonical(request.destination);
    let location = this.#locate(destination);
    if (this.#kind(location.hostPath) === 'missing' && !location.owned) {
      this.#openNearest(destination);
      location = this.#locate(destination);
    }
    if (location.owned && this.#kind(location.hostPath) === 'missing') {
      (request.kind === 'directory' ? this.#directories : this.#files).add(location.hostPath);
    }
    this.#covers.set(destination, { source: request.source, owned: request.owned });
    this.#mount(destination, request.source, request.readOnly);
  }

  /** Puts a directory of ours at `destination` with every entry of `original` in it. */
  open(destination: string, original: string, skeleton: string): void {
    const below = this.#mountsBelow(destination);
    this.#directories.add(skeleton);
    this.#covers.set(destination, { source: skeleton, owned: true });
    if (destination !== '/') this.#mount(destination, skeleton, false);
    for (const name of this.#host.entries(original)) {
      const from = join(original, name);
      const at = join(destination, name);
      const kind = this.#host.kind(from);
      if (kind === 'missing') continue;
      if (kind === 'symlink') {
        this.#symlinks.push({ path: join(skeleton, name), target: this.#host.readlink(from) });
        continue;
      }
      (kind === 'directory' ? this.#directories : this.#files).add(join(skeleton, name));
      if (this.#covers.has(at)) continue;
      this.#covers.set(at, { source: from, owned: false });
      this.#mount(at, from, !WRITABLE_HOST_DIRECTORIES.has(at));
    }
    for (const [at, mount] of below) {
      this.#mounts.delete(at);
      this.#mounts.set(at, mount);
    }
  }

  plan(): RootPlan {
    return {
      directories: [...this.#directories],
      files: [...this.#files],
      symlinks: this.#symlinks,
      mounts: [...this.#mounts.values()],
    };
  }

  #openNearest(destination: string): void {
    let ancestor = parent(destination);
    while (ancestor !== '/' && this.#kind(this.#locate(ancestor).hostPath) !== 'directory') ancestor = parent(ancestor);
    const location = this.#locate(ancestor);
    if (location.owned) return;
    this.#opened++;
    this.open(ancestor, location.hostPath, join(this.#skeletons, String(this.#opened)));
  }

  #mount(destination: string, source: string, readOnly: boolean): void {
    this.#mounts.delete(destination);
    this.#mounts.set(destination, { source, target: join(this.#root, destination), readOnly });
  }

  /** What is laid below `destination` so far: once it is opened, that has to be mounted again on top of it. */
  #mountsBelow(destination: string): [string, PlannedMount][] {
    const prefix = destination === '/' ? '/' : `${destination}/`;
    return [...this.#mounts].filter(([at]) => at.startsWith(prefix));
  }

  /** The host path that `destination` shows, by the nearest mount above it. */
  #locate(destination: string): { hostPath: string; owned: boolean } {
    let at = destination;
    for (;;) {
      const cover = this.#covers.get(at);
      if (cover !== undefined) {
        const rest = destination.slice(at === '/' ? 0 : at.length);
        return { hostPath: rest === '' ? cover.source : join(cover.source, rest), owned: cover.owned };
      }
      at = parent(at);
    }
  }

  #kind(hostPath: string): HostKind {
    if (this.#directories.has(hostPath)) return 'directory';
    return this.#files.has(hostPath) ? 'file' : this.#host.kind(hostPath);
  }

  /** Follows symbolic links of the host (`/var/run` → `/run`) in every component but the last. */
  #canonical(destination: string): string {
    let parts = normalize(destination).split('/').filter(Boolean);
    let at = '/';
    for (let hops = 0; parts.length > 0 && hops < 100; hops++) {
      const next = join(at, parts[0] ?? '');
      const link = this.#linkTarget(next);
      if (link !== undefined && !this.#covers.get(next)?.owned) {
        parts = [
          ...normalize(link.startsWith('/') ? link : join(at, link))
            .split('/')
            .filter(Boolean),
          ...parts.slice(1),
        ];
        at = '/';
        continue;
      }
      at = next;
      parts = parts.slice(1);
    }
    return at;
  }

  #linkTarget(destination: string): string | undefined {
    const made = this.#symlinks.find((link) => link.path === this.#locate(destination).hostPath);
    if (made !== undefined) return made.target;
    const { hostPath } = this.#locate(destination);
    return this.#host.kind(hostPath) === 'symlink' ? this.#host.readlink(hostPath) : undefined;
  }
}

/** Left as they are: devices and kernel interfaces, whose read-only mounts would only break programs. */
const WRITABLE_HOST_DIRECTORIES = new Set(['/dev', '/proc', '/sys']);

/** The plan's mounts as an fstab, which `mount --all --fstab` works through in one process. */
export function fstab(mounts: readonly PlannedMount[], options: { readonly allowReadOnly: boolean }): string {
  const lines = mounts.map(
    (mount) =>
      `${fstabField(mount.source)} ${fstabField(mount.target)} none ${mount.readOnly && options.allowReadOnly ? 'rbind,ro' : 'rbind'} 0 0\n`,
  );
  return lines.join('');
}

function fstabField(path: string): string {
  return path.replaceAll(/[\\ \t\n#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function join(a: string, b: string): string {
  return normalize(`${a}/${b}`);
}

function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function parent(path: string): string {
  return normalize(`${path}/..`);
}

function depth(path: string): number {
  return normalize(path).split('/').filter(Boolean).length;
}
