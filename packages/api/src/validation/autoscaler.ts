import { parseExcludedPeriod } from '../values/excluded-periods.ts';
import { javaDoubleText } from '../values/json.ts';
import type { Settings } from './context.ts';
import { durationMs } from './duration.ts';
import { firstProblem, problem, type ValidationProblem } from './problem.ts';

const PREFIX = 'job.autoscaler.';
const OLD_PREFIX = `kubernetes.operator.${PREFIX}`;
const DEFAULT_TARGET = 0.7;
const DEFAULT_WINDOW_MS = 15 * 60_000;
const DEFAULT_RECONCILE_INTERVAL_MS = 60_000;
const MAX_EXCLUDED_PERIODS = 1_000;

/** Checks the autoscaler’s options, when it is on. */
export function checkAutoscaler(settings: Settings): ValidationProblem | undefined {
  if (!settings.flag(false, ...names('enabled'))) return undefined;
  const target = targetOf(settings);
  const number =
    (name: string, min: number, max: number, ...others: readonly string[]) =>
    (): ValidationProblem | undefined =>
      checkNumber(settings, name, min, max, others);
  const when = (flag: string, check: () => ValidationProblem | undefined) => (): ValidationProblem | undefined =>
    settings.flag(false, ...names(flag)) ? check() : undefined;
  return firstProblem(
    number('scale-down.max-factor', 0, Number.POSITIVE_INFINITY),
    number('scale-up.max-factor', 0, Number.POSITIVE_INFINITY),
    number('utilization.target', 0, 1, ...names('target.utilization')),
    number('target.utilization.boundary', 0, Number.POSITIVE_INFINITY),
    number('utilization.max', target, 1),
    number('utilization.min', 0, target),
    number('memory.gc-pressure.threshold', 0, 1),
    number('memory.heap-usage.threshold', 0, 1),
    number('observed-scalability.coefficient-min', 0.01, 1),
    when('scaling.effectiveness.detection.enabled', number('scaling.effectiveness.threshold', 0, 1)),
    when('memory.tuning.enabled', number('memory.tuning.overhead', 0, 1)),
    () => checkExcludedPeriods(settings),
    () => checkWindow(settings),
  );
}

function names(name: string): string[] {
  return [`${PREFIX}${name}`, `${OLD_PREFIX}${name}`];
}

function targetOf(settings: Settings): number {
  const text = settings.text(...names('utilization.target'), ...names('target.utilization'));
  const value = text === undefined ? DEFAULT_TARGET : Number(text);
  return Number.isNaN(value) ? DEFAULT_TARGET : value;
}

function checkNumber(
  settings: Settings,
  name: string,
  min: number,
  max: number,
  others: readonly string[],
): ValidationProblem | undefined {
  const text = settings.text(...names(name), ...others);
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  const key = `${PREFIX}${name}`;
  if (Number.isNaN(value))
    return refuse(key, `Invalid value in the autoscaler config ${key}`, `Write a number for ${key}.`);
  if (value >= min && value <= max) return undefined;
  const range = `[${javaDoubleText(min)}, ${max === Number.POSITIVE_INFINITY ? '+Infinity' : javaDoubleText(max)}]`;
  return refuse(
    key,
    `The AutoScalerOption ${key} is invalid, it should be a value within the range ${range}`,
    `Set ${key} to a number within ${range}.`,
  );
}

function checkExcludedPeriods(settings: Settings): ValidationProblem | undefined {
  const text = settings.text(...names('excluded.periods'));
  const periods = (text ?? '').split(';').filter((period) => period.trim() !== '');
  for (const period of periods.slice(0, MAX_EXCLUDED_PERIODS)) {
    const reason = parseExcludedPeriod(period);
    if (reason.ok) continue;
    const key = `${PREFIX}excluded.periods`;
    return refuse(
      key,
      `Invalid value ${reason.value} in the autoscaler config ${key}${reason.why}`,
      'Write periods as 09:30-10:30 or as a cron expression with seconds, one of each joined with &&, separated by semicolons.',
    );
  }
  return undefined;
}

function checkWindow(settings: Settings): ValidationProblem | undefined {
  const window = durationMs(settings.text(...names('metrics.window')) ?? '') ?? DEFAULT_WINDOW_MS;
  const interval =
    durationMs(
      settings.text('kubernetes.operator.reconcile.interval', 'kubernetes.operator.reconciler.reschedule.interval') ??
        '',
    ) ?? DEFAULT_RECONCILE_INTERVAL_MS;
  if (window >= interval) return undefined;
  return refuse(
    `${PREFIX}metrics.window`,
    `The autoscaler config ${PREFIX}metrics.window is shorter than kubernetes.operator.reconcile.interval`,
    `Set ${PREFIX}metrics.window to at least the interval in which the operator looks at metrics.`,
  );
}

function refuse(key: string, message: string, next: string): ValidationProblem {
  return problem('E_VALIDATION_AUTOSCALER', `spec.flinkConfiguration[${key}]`, message, next);
}
