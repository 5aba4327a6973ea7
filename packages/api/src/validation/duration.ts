const UNITS: readonly (readonly [names: RegExp, milliseconds: number])[] = [
  [/^(?:d|day|days)$/, 86_400_000],
  [/^(?:h|hour|hours)$/, 3_600_000],
  [/^(?:m|min|minute|minutes)$/, 60_000],
  [/^(?:s|sec|secs|second|seconds)$/, 1_000],
  [/^(?:|ms|milli|millis|millisecond|milliseconds)$/, 1],
  [/^(?:µs|micro|micros|microsecond|microseconds)$/, 1e-3],
  [/^(?:ns|nano|nanos|nanosecond|nanoseconds)$/, 1e-6],
];

/** A duration as Flink writes it (`10 s`, `5 min`, `500`) in milliseconds; undefined when the text is none. */
export function durationMs(text: string): number | undefined {
  const match = /^\s*(\d{1,18})\s*([a-zµ]*)\s*$/.exec(text.toLowerCase());
  const factor = UNITS.find(([names]) => names.test(match?.[2] ?? '!'))?.[1];
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor;
}
