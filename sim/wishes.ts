import { FlinkDeployments, FlinkSessionJobs, FlinkStateSnapshots } from '@drey/api';
import { isKubeError, type KubeClient } from '@drey/kube';
import { overriddenParallelism } from './operator-options.ts';
import type { Action, Change, Subject } from './scenario.ts';

/** One valid spec, as far as it matters here. */
export interface ValidSpec {
  readonly suspended: boolean;
  readonly parallelism: number;
  /** The largest that a vertex was given instead. */
  readonly overridden?: number | undefined;
}

/** What the user of one object wants now. */
export interface Wish {
  readonly subject: Subject;
  exists: boolean;
  suspended: boolean;
  parallelism: number;
  overridden: number | undefined;
  /** Why the spec as it stands cannot run. */
  readonly broken: Set<string>;
  /** Why the spec as it stands is refused by validation: the last valid one goes on. */
  readonly flaws: Set<string>;
  /** Every valid spec so far, the newest last. */
  readonly valid: ValidSpec[];
}

const resources = {
  FlinkDeployment: FlinkDeployments,
  FlinkSessionJob: FlinkSessionJobs,
  FlinkStateSnapshot: FlinkStateSnapshots,
} as const;

/** `FlinkDeployment/default/job-0`. */
export function keyOfSubject({ kind, namespace, name }: Subject): string {
  return `${kind}/${namespace}/${name}`;
}

/** What the users want, and their hands. */
export class Wishes {
  readonly #byKey = new Map<string, Wish>();

  all(): readonly Wish[] {
    return [...this.#byKey.values()];
  }

  /** Does what the user does, and keeps in mind what that means. What the API server refuses is not wanted. */
  async perform(admin: KubeClient, action: Action): Promise<void> {
    const before = structuredClone(this.#byKey.get(keyOfSubject(action.subject)));
    this.#note(action);
    try {
      await this.#send(admin, action);
    } catch (error) {
      const key = keyOfSubject(action.subject);
      const isRefused = isKubeError(error, 'E_KUBE_INVALID', 'E_KUBE_FORBIDDEN');
      // Its namespace, or the object itself, was deleted before: there is nothing to change.
      if (!isRefused && !isKubeError(error, 'E_KUBE_NOT_FOUND')) throw error;
      if (action.do === 'create') this.#byKey.delete(key);
      else if (isRefused && before !== undefined) this.#byKey.set(key, before);
    }
  }

  #note(action: Action): void {
    const { subject } = action;
    const wish = this.#byKey.get(keyOfSubject(subject));
    if (action.do === 'create') {
      const parallelism = jobOf(action.object.spec)?.parallelism ?? 1;
      const first = { parallelism, suspended: false };
      this.#byKey.set(keyOfSubject(subject), {
        subject,
        exists: true,
        ...first,
        overridden: undefined,
        broken: new Set(),
        flaws: new Set(),
        valid: [first],
      });
    } else if (action.do === 'delete-namespace') {
      for (const one of this.all()) if (one.subject.namespace === subject.namespace) one.exists = false;
    } else if (wish !== undefined) {
      if (action.do === 'delete') wish.exists = false;
      else noteChange(wish, action.change);
    }
  }

  async #send(admin: KubeClient, { subject, ...action }: Action): Promise<void> {
    const { namespace, name } = subject;
    const resource = resources[subject.kind];
    switch (action.do) {
      case 'create':
        await admin.create(resource as typeof FlinkDeployments, action.object as never);
        return;
      case 'change':
        await admin.patch(resource as typeof FlinkDeployments, namespace, name, 'merge', action.change.patch);
        return;
      case 'delete':
        await admin.delete(resource as typeof FlinkDeployments, namespace, name);
        return;
      case 'delete-namespace':
        await admin.raw('DELETE', `/api/v1/namespaces/${namespace}`);
    }
  }
}

interface JobFields {
  readonly parallelism?: number;
  readonly state?: string;
}

function jobOf(spec: object): JobFields | undefined {
  return (spec as { job?: JobFields }).job;
}

function noteChange(wish: Wish, { patch, flaw, mends, breaks }: Change): void {
  const { parallelism, state } = jobOf(patch.spec) ?? {};
  if (parallelism !== undefined) wish.parallelism = parallelism;
  if (state !== undefined) wish.suspended = state === 'suspended';
  wish.overridden =
    overriddenParallelism((patch.spec as { flinkConfiguration?: unknown }).flinkConfiguration) ?? wish.overridden;
  if (mends !== undefined) for (const reasons of [wish.flaws, wish.broken]) reasons.delete(mends);
  if (breaks !== undefined) wish.broken.add(breaks);
  if (flaw !== undefined) wish.flaws.add(flaw);
  const { parallelism: wanted, suspended, overridden } = wish;
  if (wish.flaws.size === 0) wish.valid.push({ parallelism: wanted, suspended, overridden });
}
