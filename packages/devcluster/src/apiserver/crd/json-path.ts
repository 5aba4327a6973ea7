import { equalJson, isObject } from '../schema/index.ts';

/**
 * The JSONPath of printer columns and scale subresources: fields, quoted fields, indices, slices, `*`, `..` and filters
 * (`[?(@.type=="Ready")]`), as client-go reads it between braces.
 */
export type JsonPath = (value: unknown) => readonly unknown[];

type Step = (values: readonly unknown[]) => readonly unknown[];

/** Undefined when the path cannot be parsed. Fields that are missing give no result. */
export function compileJsonPath(path: string): JsonPath | undefined {
  const steps: Step[] = [];
  let rest = path.trim().replace(/^\$/, '');
  while (rest !== '') {
    const next = nextStep(rest);
    if (next === undefined) return undefined;
    steps.push(next.step);
    rest = rest.slice(next.length);
  }
  return (value) => steps.reduce<readonly unknown[]>((values, step) => step(values), [value]);
}

function nextStep(rest: string): { step: Step; length: number } | undefined {
  const recursive = /^\.\.(?=[A-Za-z_*[])/.exec(rest);
  if (recursive !== null) return { step: (values) => values.flatMap(descendants), length: rest[2] === '[' ? 2 : 1 };
  const any = /^(?:\.\*|\[\*\])/.exec(rest);
  if (any !== null) return { step: (values) => values.flatMap(children), length: any[0].length };
  const name = /^\.((?:[^.[\]\s\\]|\\.)+)/.exec(rest);
  if (name !== null) return { step: fieldStep((name[1] ?? '').replaceAll(/\\(.)/g, '$1')), length: name[0].length };
  const quoted = /^\.?\[\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*\]/.exec(rest);
  if (quoted !== null) {
    return { step: fieldStep((quoted[1] ?? quoted[2] ?? '').replaceAll(/\\(.)/g, '$1')), length: quoted[0].length };
  }
  const index = /^\.?\[(-?\d+)\]/.exec(rest);
  if (index !== null) return { step: indexStep(Number(index[1])), length: index[0].length };
  const slice = /^\.?\[(-?\d*):(-?\d*)(?::(\d+))?\]/.exec(rest);
  if (slice !== null) return { step: sliceStep(slice[1] ?? '', slice[2] ?? '', slice[3]), length: slice[0].length };
  return filterStep(rest);
}

function fieldStep(name: string): Step {
  return (values) => values.filter(isObject).flatMap((v) => (Object.hasOwn(v, name) ? [v[name]] : []));
}

function indexStep(index: number): Step {
  return (values) =>
    values.filter(Array.isArray).flatMap((v: unknown[]) => {
      const at = index < 0 ? v.length + index : index;
      return at >= 0 && at < v.length ? [v[at]] : [];
    });
}

function sliceStep(from: string, to: string, step: string | undefined): Step {
  const stride = Math.max(1, Number(step ?? 1));
  return (values) =>
    values
      .filter(Array.isArray)
      .flatMap((v: unknown[]) =>
        v.slice(from === '' ? 0 : Number(from), to === '' ? undefined : Number(to)).filter((_, i) => i % stride === 0),
      );
}

function children(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
}

function descendants(value: unknown): readonly unknown[] {
  return [value, ...children(value).flatMap(descendants)];
}

const FILTER =
  /^\[\?\(\s*@((?:[^=!<>)'"]|'[^']*'|"[^"]*")*?)\s*(?:(==|!=|<=|>=|<|>)\s*('[^']*'|"[^"]*"|[^)\s]+)\s*)?\)\]/;

function filterStep(rest: string): { step: Step; length: number } | undefined {
  const m = FILTER.exec(rest);
  if (m === null) return undefined;
  const left = compileJsonPath(m[1] ?? '');
  const operator = m[2];
  if (left === undefined) return undefined;
  const right = m[3] === undefined ? undefined : literal(m[3]);
  const test = (item: unknown): boolean => {
    const [found] = left(item);
    return operator === undefined ? found !== undefined : found !== undefined && holds(found, operator, right);
  };
  const step: Step = (values) => values.flatMap((v) => children(v).filter(test));
  return { step, length: m[0].length };
}

function literal(text: string): unknown {
  if (/^['"]/.test(text)) return text.slice(1, -1);
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function holds(left: unknown, operator: string, right: unknown): boolean {
  switch (operator) {
    case '==':
      return equalJson(left, right);
    case '!=':
      return !equalJson(left, right);
    case '<':
      return (left as number) < (right as number);
    case '>':
      return (left as number) > (right as number);
    case '<=':
      return (left as number) <= (right as number);
    default:
      return (left as number) >= (right as number);
  }
}
