import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ContainerView, hostView } from './container-files.ts';
import { fstab, planRoot } from './root-plan.ts';

/** Makes the root directory of a container instance and the table of what is mounted into it. Returns the root. */
export function makeRoot(view: ContainerView, table: string, options: { readonly allowReadOnly: boolean }): string {
  const root = join(view.directory, 'root');
  const plan = planRoot(view.requests, {
    rootDirectory: root,
    skeletonDirectory: join(view.directory, 'skeleton'),
    host: hostView,
  });
  for (const directory of plan.directories) mkdirSync(directory, { recursive: true });
  for (const file of plan.files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '', { flag: 'a' });
  }
  for (const link of plan.symlinks) {
    rmSync(link.path, { force: true });
    symlinkSync(link.target, link.path);
  }
  writeFileSync(table, fstab(plan.mounts, options));
  return root;
}
