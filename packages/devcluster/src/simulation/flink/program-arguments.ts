/** The argument by which a simulated program is told to be a batch job: it finishes after so many milliseconds of work. */
const FINISH_AFTER = '--finish-after-ms';

/** Undefined: the program runs until it is stopped. */
export function finishAfterMs(args: readonly string[]): number | undefined {
  const at = args.indexOf(FINISH_AFTER);
  const ms = at < 0 ? Number.NaN : Number(args[at + 1]);
  return Number.isFinite(ms) ? ms : undefined;
}
