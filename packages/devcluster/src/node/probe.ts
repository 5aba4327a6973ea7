import type { Container, HttpGetAction, Probe } from '@drey/kube';

/** The three probes of a container and what they have seen, as a pure state machine with the kubelet's rules. */

export type ProbeKind = 'startup' | 'readiness' | 'liveness';

export interface ProbeState {
  readonly successes: number;
  readonly failures: number;
  /** When the probe is due, in milliseconds since the epoch. */
  readonly dueAt: number;
}

export interface ProbeStates {
  readonly startup: ProbeState | undefined;
  readonly readiness: ProbeState | undefined;
  readonly liveness: ProbeState | undefined;
}

export type ProbeOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

export type ProbeEffect =
  | { readonly type: 'none' }
  | { readonly type: 'started' }
  | { readonly type: 'ready'; readonly ready: boolean }
  /** The container has to be killed and restarted by its policy. */
  | { readonly type: 'kill'; readonly message: string };

/** Probes of an instance that has just started. */
export function initialProbes(container: Container, now: number): ProbeStates {
  const due = (probe: Probe | undefined): ProbeState | undefined =>
    probe === undefined
      ? undefined
      : { successes: 0, failures: 0, dueAt: now + (probe.initialDelaySeconds ?? 0) * 1000 };
  return {
    startup: due(container.startupProbe),
    readiness: due(container.readinessProbe),
    liveness: due(container.livenessProbe),
  };
}

/** Which probes are in force: until the startup probe has passed, it alone. */
export function activeProbes(states: ProbeStates, started: boolean): ProbeKind[] {
  const kinds: ProbeKind[] = started ? ['readiness', 'liveness'] : ['startup'];
  return kinds.filter((kind) => states[kind] !== undefined);
}

/** Takes in one outcome. */
export function probeStep(
  kind: ProbeKind,
  state: ProbeState,
  probe: Probe,
  outcome: ProbeOutcome,
  now: number,
): { readonly state: ProbeState; readonly effect: ProbeEffect } {
  const next: ProbeState = {
    successes: outcome.ok ? state.successes + 1 : 0,
    failures: outcome.ok ? 0 : state.failures + 1,
    dueAt: now + (probe.periodSeconds ?? 10) * 1000,
  };
  const passed = outcome.ok && next.successes >= (probe.successThreshold ?? 1);
  const failed = !outcome.ok && next.failures >= (probe.failureThreshold ?? 3);
  if (kind === 'readiness') {
    const effect: ProbeEffect = passed || failed ? { type: 'ready', ready: passed } : { type: 'none' };
    return { state: next, effect };
  }
  if (failed) {
    return { state: next, effect: { type: 'kill', message: `failed ${kind} probe` } };
  }
  return { state: next, effect: kind === 'startup' && passed ? { type: 'started' } : { type: 'none' } };
}

export function probeOf(container: Container, kind: ProbeKind): Probe | undefined {
  return container[`${kind}Probe`];
}

/** A port by number or by the name a container port has. */
export function portNumber(container: Container, port: number | string): number | undefined {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find((candidate) => candidate.name === port)?.containerPort;
}

/** The address an HTTP probe or hook calls; without a host, the pod's own. */
export function httpActionUrl(container: Container, action: HttpGetAction, podAddress: string): string | undefined {
  const port = portNumber(container, action.port);
  if (port === undefined) return undefined;
  const path = action.path ?? '/';
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  return `${scheme}://${action.host ?? podAddress}:${port}${path.startsWith('/') ? path : `/${path}`}`;
}
