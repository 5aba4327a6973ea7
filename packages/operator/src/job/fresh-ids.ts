import type { Random } from '@drey/kube';

/** A random id as Flink writes its own: 32 hexadecimal digits. */
export function randomId(random: Random): string {
  return Array.from({ length: 32 }, () => Math.floor(random.next() * 16).toString(16)).join('');
}

/** Ids for an operation that a pass may start. */
export function ids(random: Random): { readonly operationId: string; readonly jobId: string } {
  return { operationId: randomId(random), jobId: randomId(random) };
}
