import type { Random } from './clock.ts';

export interface BackoffOptions {
  readonly firstMs: number;
  readonly capMs: number;
  /** Default 2. */
  readonly factor?: number;
}

/**
 * The pause before attempt `attempt` (1 is the first repetition): grows by `factor` up to `capMs`, and is drawn from its upper
 * half so that many clients do not come back at once.
 */
export function backoffMs(options: BackoffOptions, attempt: number, random: Random): number {
  const grown = options.firstMs * (options.factor ?? 2) ** Math.min(attempt - 1, 60);
  const full = Math.min(options.capMs, grown);
  return full / 2 + (full / 2) * random.next();
}
