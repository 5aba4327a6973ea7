import type { Container, Probe } from '@drey/kube';
import { describe, expect, it } from 'vitest';
import { activeProbes, httpActionUrl, initialProbes, type ProbeKind, probeStep } from './probe.ts';

const ok = { ok: true } as const;
const bad = { ok: false, message: 'refused' } as const;

/** Effects of a series of outcomes ('+' and '-'). */
function effects(kind: ProbeKind, probe: Probe, outcomes: string): string[] {
  let state = initialProbes({ name: 'c', [`${kind}Probe`]: probe }, 0)[kind];
  return [...outcomes].map((outcome, i) => {
    if (state === undefined) throw new Error('no probe');
    const step = probeStep(kind, state, probe, outcome === '+' ? ok : bad, i * 1000);
    state = step.state;
    return step.effect.type === 'ready' ? String(step.effect.ready) : step.effect.type;
  });
}

describe('probes', () => {
  it('make a container ready and not ready by their thresholds', () => {
    expect(effects('readiness', { failureThreshold: 2, successThreshold: 2 }, '-+++--+')).toEqual([
      'none',
      'none',
      'true',
      'true',
      'none',
      'false',
      'none',
    ]);
  });

  it('kill after failures in a row only', () => {
    expect(effects('liveness', { failureThreshold: 3 }, '--+---')).toEqual([
      'none',
      'none',
      'none',
      'none',
      'none',
      'kill',
    ]);
    expect(effects('startup', { failureThreshold: 2 }, '-+')).toEqual(['none', 'started']);
    expect(effects('startup', { failureThreshold: 2 }, '--')).toEqual(['none', 'kill']);
  });

  it('come due after their delay and then once a period', () => {
    const probe = { initialDelaySeconds: 3, periodSeconds: 5 };
    const state = initialProbes({ name: 'c', livenessProbe: probe }, 1000).liveness;
    expect(state?.dueAt).toBe(4000);
    expect(state && probeStep('liveness', state, probe, ok, 4100).state.dueAt).toBe(9100);
  });

  it('wait for the startup probe', () => {
    const container: Container = { name: 'c', startupProbe: {}, readinessProbe: {}, livenessProbe: {} };
    const states = initialProbes(container, 0);
    expect(activeProbes(states, false)).toEqual(['startup']);
    expect(activeProbes(states, true)).toEqual(['readiness', 'liveness']);
  });

  it('call the pod by port number or name', () => {
    const container: Container = { name: 'c', ports: [{ name: 'rest', containerPort: 8081 }] };
    expect(httpActionUrl(container, { port: 'rest', path: 'config' }, '127.64.0.1')).toBe(
      'http://127.64.0.1:8081/config',
    );
    expect(httpActionUrl(container, { port: 80, host: 'h', scheme: 'HTTPS' }, '')).toBe('https://h:80/');
    expect(httpActionUrl(container, { port: 'none' }, '')).toBeUndefined();
  });
});
