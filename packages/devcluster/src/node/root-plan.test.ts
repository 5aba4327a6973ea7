import { describe, expect, it } from 'vitest';
import { fstab, type HostView, type MountRequest, planRoot } from './root-plan.ts';

/** A host of directories (null), files (text) and links ('-> target'). */
function hostOf(tree: Record<string, string | null>): HostView {
  const paths = Object.keys(tree);
  return {
    kind(path) {
      const entry = tree[path];
      if (entry === null || path === '/') return 'directory';
      if (entry === undefined) return 'missing';
      return entry.startsWith('-> ') ? 'symlink' : 'file';
    },
    entries(path) {
      const prefix = path === '/' ? '/' : `${path}/`;
      const names = paths.filter((p) => p.startsWith(prefix)).map((p) => p.slice(prefix.length).split('/')[0] ?? '');
      return [...new Set(names)];
    },
    readlink: (path) => (tree[path] ?? '').slice(3),
  };
}

const host = hostOf({
  '/etc': null,
  '/etc/hosts': 'x',
  '/etc/passwd': 'x',
  '/run': null,
  '/run/lock': null,
  '/var': null,
  '/var/run': '-> /run',
  '/opt': null,
  '/opt/other': null,
  '/dist': null,
  '/dist/lib': null,
  '/dist/lib/a.jar': 'x',
  '/bin': '-> usr/bin',
  '/usr': null,
});

const directory = (destination: string, source: string, owned = true): MountRequest => ({
  destination,
  source,
  kind: 'directory',
  readOnly: false,
  owned,
});

const plan = (requests: MountRequest[]) =>
  planRoot(requests, { rootDirectory: '/c/root', skeletonDirectory: '/c/skel', host });
const targets = (requests: MountRequest[]) => plan(requests).mounts.map((m) => `${m.source} ${m.target}`);

describe('root plan', () => {
  it('shows the host, read-only except for devices, with links kept as links', () => {
    const result = plan([]);
    expect(result.symlinks).toEqual([{ path: '/c/root/bin', target: 'usr/bin' }]);
    expect(result.mounts.find((m) => m.target === '/c/root/etc')).toEqual({
      source: '/etc',
      target: '/c/root/etc',
      readOnly: true,
    });
  });

  it('mounts over what exists without opening its directory', () => {
    const result = plan([{ ...directory('/etc/hosts', '/p/hosts'), kind: 'file' }]);
    expect(result.mounts.at(-1)).toEqual({ source: '/p/hosts', target: '/c/root/etc/hosts', readOnly: false });
    expect(result.directories).not.toContain('/c/skel/1');
  });

  it('makes a missing top-level mount point in the root directory itself', () => {
    const result = plan([directory('/flink-data/x', '/vol')]);
    expect(result.directories).toContain('/c/root/flink-data/x');
    expect(result.mounts.at(-1)?.target).toBe('/c/root/flink-data/x');
  });

  it('opens the nearest directory for a missing mount point, and keeps what was there', () => {
    const all = targets([directory('/opt/flink', '/f')]);
    const opened = all.indexOf('/c/skel/1 /c/root/opt');
    expect(opened).toBeGreaterThan(0);
    expect(all.indexOf('/opt/other /c/root/opt/other')).toBeGreaterThan(opened);
    expect(all.indexOf('/f /c/root/opt/flink')).toBeGreaterThan(opened);
  });

  it('follows links of the host on the way to a mount point', () => {
    const all = targets([directory('/var/run/secrets/token', '/t')]);
    expect(all).toContain('/c/skel/1 /c/root/run');
    expect(all.at(-1)).toBe('/t /c/root/run/secrets/token');
  });

  it('mounts again on top what an opened directory would hide', () => {
    const all = targets([
      { ...directory('/etc/hosts', '/p/hosts'), kind: 'file' },
      { ...directory('/etc/krb5.conf', '/p/krb'), kind: 'file' },
    ]);
    expect(all.filter((line) => line.endsWith('/c/root/etc/hosts'))).toEqual(['/p/hosts /c/root/etc/hosts']);
    expect(all.indexOf('/p/hosts /c/root/etc/hosts')).toBeGreaterThan(all.indexOf('/c/skel/1 /c/root/etc'));
    expect(all).toContain('/etc/passwd /c/root/etc/passwd');
  });

  it('opens a directory of a distribution to add one file to it', () => {
    const all = targets([
      directory('/opt/flink', '/f'),
      directory('/opt/flink/lib', '/dist/lib', false),
      { ...directory('/opt/flink/lib/my.jar', '/v/my.jar'), kind: 'file' },
    ]);
    expect(all.slice(-3)).toEqual([
      '/c/skel/2 /c/root/opt/flink/lib',
      '/dist/lib/a.jar /c/root/opt/flink/lib/a.jar',
      '/v/my.jar /c/root/opt/flink/lib/my.jar',
    ]);
  });

  it('writes an fstab with odd characters escaped', () => {
    expect(fstab([{ source: '/a b', target: '/c#d', readOnly: true }], { allowReadOnly: true })).toBe(
      '/a\\040b /c\\043d none rbind,ro 0 0\n',
    );
    expect(fstab([{ source: '/a', target: '/c', readOnly: true }], { allowReadOnly: false })).toBe(
      '/a /c none rbind 0 0\n',
    );
  });
});
