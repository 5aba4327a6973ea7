import type { Clock, Container, Probe } from '@drey/kube';
import {
  activeProbes,
  initialProbes,
  type ProbeEffect,
  type ProbeKind,
  type ProbeOutcome,
  type ProbeStates,
  probeOf,
  probeStep,
} from './probe.ts';

export interface ProberOptions {
  readonly clock: Clock;
  readonly container: Container;
  run(probe: Probe, timeoutMs: number): Promise<ProbeOutcome>;
  /** Whether the startup probe has passed. */
  started(): boolean;
  /** An attempt failed. */
  unhealthy(kind: ProbeKind, message: string): void;
  effect(effect: ProbeEffect, probe: Probe): void;
  /** A probe came back: time for a step. */
  done(): void;
}

/** Runs the probes of one container instance when they are due; one attempt of a kind at a time. */
export class Prober {
  readonly #options: ProberOptions;
  readonly #running = new Set<ProbeKind>();
  #states: ProbeStates;
  #ended = false;

  constructor(options: ProberOptions) {
    this.#options = options;
    this.#states = initialProbes(options.container, options.clock.now());
  }

  /** Starts what is due. */
  step(): void {
    if (this.#ended) return;
    const now = this.#options.clock.now();
    for (const kind of activeProbes(this.#states, this.#options.started())) {
      const state = this.#states[kind];
      const probe = probeOf(this.#options.container, kind);
      if (state === undefined || probe === undefined || state.dueAt > now || this.#running.has(kind)) continue;
      void this.#attempt(kind, probe);
    }
  }

  /** When the next attempt is due; infinity while every kind is running or there is none. */
  nextDue(): number {
    const waiting = activeProbes(this.#states, this.#options.started()).filter((kind) => !this.#running.has(kind));
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...waiting.map((kind) => this.#states[kind]?.dueAt ?? Number.POSITIVE_INFINITY),
    );
  }

  /** Outcomes still on their way count no more. */
  end(): void {
    this.#ended = true;
  }

  async #attempt(kind: ProbeKind, probe: Probe): Promise<void> {
    const { clock, container } = this.#options;
    this.#running.add(kind);
    const outcome = await this.#options.run(probe, (probe.timeoutSeconds ?? 1) * 1000);
    this.#running.delete(kind);
    const state = this.#states[kind];
    if (this.#ended || state === undefined) return;
    const step = probeStep(kind, state, probe, outcome, clock.now());
    this.#states = { ...this.#states, [kind]: step.state };
    if (!outcome.ok) this.#options.unhealthy(kind, outcome.message);
    // The other probes' delays count from the moment the container has started up.
    if (step.effect.type === 'started') this.#states = { ...initialProbes(container, clock.now()), startup: undefined };
    this.#options.effect(step.effect, probe);
    this.#options.done();
  }
}
