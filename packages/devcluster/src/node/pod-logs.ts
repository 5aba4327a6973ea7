import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@drey/kube';
import { ContainerLog } from './container-log.ts';

/** The logs of a pod's containers, one file for each instance: `<pod>/logs/<container>/<instance>.log`. */
export class PodLogs {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #open = new Map<string, { readonly instance: number; readonly log: ContainerLog }>();

  constructor(podDirectory: string, clock: Clock) {
    this.#directory = join(podDirectory, 'logs');
    this.#clock = clock;
  }

  /** The log of a new instance. Only the one before it is kept beside. */
  create(container: string, instance: number): ContainerLog {
    for (const old of this.#instances(container)
      .filter((one) => one < instance)
      .slice(0, -1)) {
      rmSync(this.#path(container, old), { force: true });
      rmSync(`${this.#path(container, old)}.1`, { force: true });
    }
    const log = ContainerLog.create(this.#path(container, instance), this.#clock);
    this.#open.set(container, { instance, log });
    return log;
  }

  /** The log of the running or last instance, or of the one before; also of instances that an earlier cluster ran. */
  find(container: string, previous: boolean): ContainerLog | undefined {
    const open = this.#open.get(container);
    if (open !== undefined && !previous) return open.log;
    const instances = this.#instances(container);
    const last = open?.instance ?? instances.at(-1);
    const wanted = previous ? instances.filter((instance) => last !== undefined && instance < last).at(-1) : last;
    return wanted === undefined ? undefined : ContainerLog.openEnded(this.#path(container, wanted), this.#clock);
  }

  close(): void {
    for (const { log } of this.#open.values()) log.close();
  }

  #instances(container: string): number[] {
    try {
      const names = readdirSync(join(this.#directory, container)).filter((name) => /^\d+\.log$/.test(name));
      return names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
    } catch {
      return [];
    }
  }

  #path(container: string, instance: number): string {
    return join(this.#directory, container, `${instance}.log`);
  }
}
