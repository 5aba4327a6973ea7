/** Times as Go's decoder reads and writes them. */

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** The layout element at each position of a text that fails to parse, for the error message. */
const ELEMENTS: readonly [RegExp, string][] = [
  [/^\d{4}/, '2006'],
  [/^-/, '-'],
  [/^\d{2}/, '01'],
  [/^-/, '-'],
  [/^\d{2}/, '02'],
  [/^T/, 'T'],
  [/^\d{1,2}/, '15'],
  [/^:/, ':'],
  [/^\d{2}/, '04'],
  [/^:/, ':'],
  [/^\d{2}(?:[.,]\d+)?/, '05'],
  [/^(?:Z|[+-]\d{2}:\d{2})/, 'Z07:00'],
];

export type TimeResult =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** metav1.Time: any RFC 3339 time, written in UTC with seconds. */
export function canonicalTime(text: string): TimeResult {
  const m = RFC3339.exec(text);
  const at = m === null ? Number.NaN : Date.parse(text.replace(',', '.').replace(/T(\d):/, 'T0$1:'));
  if (m === null || Number.isNaN(at))
    return { ok: false, message: timeError(text, '2006-01-02T15:04:05Z07:00', m !== null) };
  return { ok: true, text: `${new Date(Math.floor(at / 1000) * 1000).toISOString().slice(0, 19)}Z` };
}

/** metav1.MicroTime: exactly six digits of a second are read and written. */
export function canonicalMicroTime(text: string): TimeResult {
  const m = RFC3339.exec(text);
  const at = m === null ? Number.NaN : Date.parse(text.replace(/T(\d):/, 'T0$1:'));
  if (m === null || m[7]?.length !== 6 || Number.isNaN(at)) {
    return { ok: false, message: microTimeError(text, m) };
  }
  const seconds = new Date(Math.floor(at / 1000) * 1000).toISOString().slice(0, 19);
  return { ok: true, text: `${seconds}.${m[7]}Z` };
}

function microTimeError(text: string, m: RegExpExecArray | null): string {
  const layout = '2006-01-02T15:04:05.000000Z07:00';
  if (m === null) return timeError(text, layout, false);
  const rest = text.slice(text.indexOf(':', text.indexOf(':') + 1) + 3);
  return `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ".000000"`;
}

function timeError(text: string, layout: string, outOfRange: boolean): string {
  const prefix = `parsing time ${JSON.stringify(text)}`;
  if (outOfRange) return `${prefix}: ${rangeProblem(text)} out of range`;
  let rest = text;
  for (const [pattern, element] of ELEMENTS) {
    const found = pattern.exec(rest);
    if (found === null) {
      return `${prefix} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`;
    }
    rest = rest.slice(found[0].length);
  }
  return `${prefix}: extra text: ${JSON.stringify(rest)}`;
}

function rangeProblem(text: string): string {
  const month = Number(text.slice(5, 7));
  if (month < 1 || month > 12) return 'month';
  const hour = Number(/T(\d+)/.exec(text)?.[1]);
  if (hour > 23) return 'hour';
  const [, minute, second] = /T\d+:(\d+):(\d+)/.exec(text) ?? [];
  if (Number(minute) > 59) return 'minute';
  if (Number(second) > 59) return 'second';
  return 'day';
}
