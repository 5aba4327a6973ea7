import type { NodeBackend } from '../apiserver/contract.ts';
import { badRequest } from '../apiserver/status.ts';

const LOG = new TextEncoder().encode('This container is simulated: it runs no program, so it writes no log.\n');

/** What `kubectl logs`, `exec` and `port-forward` get from simulated pods: the reason why there is nothing. */
export const simulatedBackend: NodeBackend = {
  async *logs() {
    yield LOG;
  },
  exec: () => Promise.reject(badRequest('the container is simulated: it runs no program to join')),
  dial: () => Promise.reject(badRequest('the pod is simulated: no program of it listens')),
};
