import { isCronExpression } from '../validation/cron.ts';

/** Points in time, in UTC, that a cron expression names. */
export interface CronSchedule {
  /**
   * `quartz`: six or seven fields, seconds first, Sunday is 1. `unix`: five fields, minutes first, Sunday is 0 or 7, and a day
   * that either of two restricted day fields names counts.
   */
  readonly dialect: 'quartz' | 'unix';
  /** The first named time after `afterMs`, both in epoch milliseconds; undefined when none comes within 100 years. */
  next(afterMs: number): number | undefined;
}

/** Years that are searched for the next time. */
const HORIZON_YEARS = 100;
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEK_DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const LAST_YEAR = 2199;

/** A calendar day; `weekDay` is 0 for Sunday. */
interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekDay: number;
  readonly lastOfMonth: number;
}

type DayRule = (day: Day) => boolean;

interface Times {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly years: ReadonlySet<number> | undefined;
  readonly isDay: DayRule;
}

/**
 * Reads a cron expression; undefined when the text is none. Six and seven fields are read as Quartz does
 * (`0 0 12 ? * MON-FRI`), five as Unix does. Six fields without a question mark, which Quartz refuses, are read like five
 * with seconds in front.
 */
export function parseCron(text: string): CronSchedule | undefined {
  const words = text.trim().toUpperCase().split(/\s+/);
  if (isCronExpression(text)) return schedule('quartz', quartzTimes(words));
  if (words.length === 5) return unixSchedule(['0', ...words]);
  return words.length === 6 && !words.includes('?') ? unixSchedule(words) : undefined;
}

function quartzTimes(words: readonly string[]): Times {
  const [seconds = '', minutes = '', hours = '', monthDays = '', months = '', weekDays = '', years] =
    words.map(withoutIdleSteps);
  const dayRule = monthDays === '?' ? weekDayRule(weekDays, 1) : monthDayRule(monthDays);
  return {
    ...timesOfDay(seconds, minutes, hours),
    months: new Set(values(months, { min: 1, max: 12, names: MONTHS })),
    years: years === undefined || years === '*' ? undefined : new Set(values(years, { min: 1970, max: LAST_YEAR })),
    isDay: dayRule,
  };
}

/** Quartz pays no attention to a step behind a name (`MON-FRI/2`), and with a step of 0 a range is its first value. */
function withoutIdleSteps(word: string): string {
  return word.replace(/([A-Z]{3})\/\d+/g, '$1').replace(/(\d+)(?:-\d+)?\/0+(?!\d)/g, '$1');
}

/** The same grammar field by field, with Unix's numbers of week days and its way to combine the two day fields. */
function unixSchedule(words: readonly string[]): CronSchedule | undefined {
  const [seconds = '', minutes = '', hours = '', monthDays = '', months = '', weekDays = ''] = words;
  const plain = weekDays.replace(/\b[0-7]\b(?!\/)/g, (digit) => WEEK_DAYS[Number(digit) % 7] ?? digit);
  const named = plain.replace(/(\/)(\w+)/g, (_all, slash: string, step: string) => {
    const index = WEEK_DAYS.indexOf(step);
    return slash + (index < 0 ? step : String(index === 0 ? 7 : index));
  });
  const isPlain = [seconds, minutes, hours, monthDays, months, weekDays].every((word) => /^[\w*,/-]+$/.test(word));
  const asQuartz = [seconds, minutes, hours, monthDays, months, '?'].join(' ');
  const weekOnly = [seconds, minutes, hours, '?', months, named].join(' ');
  if (!isPlain || /[LW]/.test(monthDays) || !isCronExpression(asQuartz) || !isCronExpression(weekOnly))
    return undefined;
  const byMonth = monthDayRule(monthDays);
  const byWeek = weekDayRule(named, 0);
  const either = !monthDays.startsWith('*') && !weekDays.startsWith('*');
  return schedule('unix', {
    ...timesOfDay(seconds, minutes, hours),
    months: new Set(values(months, { min: 1, max: 12, names: MONTHS })),
    years: undefined,
    isDay: (day) => (either ? byMonth(day) || byWeek(day) : byMonth(day) && byWeek(day)),
  });
}

function timesOfDay(seconds: string, minutes: string, hours: string): Pick<Times, 'seconds' | 'minutes' | 'hours'> {
  return {
    seconds: values(seconds, { min: 0, max: 59 }),
    minutes: values(minutes, { min: 0, max: 59 }),
    hours: values(hours, { min: 0, max: 23 }),
  };
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

/** The numbers a field names, ascending; its form has been checked. */
function values(word: string, range: Range): number[] {
  const out = new Set<number>();
  for (const part of word.split(',')) for (const value of partValues(part, range)) out.add(value);
  return [...out].sort((a, b) => a - b);
}

function partValues(part: string, { min, max, names }: Range): number[] {
  const [span = '', stepText] = part.split('/');
  const step = Math.max(1, Number(stepText ?? 1));
  const number = (text: string): number => {
    const index = names?.indexOf(text) ?? -1;
    return index < 0 ? Number(text) : index + min;
  };
  const [from, to] = span.split('-');
  const all = span === '*' || span === '' || span === '?';
  const first = all ? min : number(from ?? '');
  const last = to !== undefined ? number(to) : all || stepText !== undefined ? max : first;
  // A range that ends before it begins goes over the end of the field: 22-2, FRI-MON.
  const end = last < first ? last + (max - min + 1) : last;
  const out: number[] = [];
  for (let value = first; value <= end; value += step) out.push(value > max ? value - (max - min + 1) : value);
  return out;
}

function monthDayRule(word: string): DayRule {
  const rules = word.split(',').map(oneMonthDay);
  return (day) => rules.some((rule) => rule(day));
}

/** `15`, `L` (the last day), `L-3`, `LW` (the last working day), `15W` (the working day nearest to it). */
function oneMonthDay(part: string): DayRule {
  const last = /^L(?:-(\d+))?(W)?$/.exec(part);
  if (last !== null) {
    const before = Number(last[1] ?? 0);
    const isWorking = last[2] !== undefined;
    return (day) => {
      const target = day.lastOfMonth - before;
      return day.day === (isWorking ? nearestWorkingDay(day, target) : target);
    };
  }
  const working = /^(\d+)W$/.exec(part);
  if (working !== null) {
    const target = Number(working[1]);
    return (day) => target <= day.lastOfMonth && day.day === nearestWorkingDay(day, target);
  }
  const days = new Set(values(part, { min: 1, max: 31 }));
  return (day) => days.has(day.day);
}

/** The working day nearest to a day of the same month. */
function nearestWorkingDay({ year, month, lastOfMonth }: Day, target: number): number {
  const weekDay = new Date(Date.UTC(year, month - 1, target)).getUTCDay();
  if (weekDay === 6) return target > 1 ? target - 1 : target + 2;
  if (weekDay === 0) return target < lastOfMonth ? target + 1 : target - 2;
  return target;
}

function weekDayRule(word: string, sunday: 0 | 1): DayRule {
  const rules = word.split(',').map((part) => oneWeekDay(part, sunday));
  return (day) => rules.some((rule) => rule(day));
}

/** `MON-FRI`, `L` (Saturday), `6L` (the last such day of the month), `6#3` (the third one). */
function oneWeekDay(part: string, sunday: 0 | 1): DayRule {
  const range = { min: sunday, max: sunday + 6, names: WEEK_DAYS };
  const index = (text: string): number => (values(text, range)[0] ?? sunday) - sunday;
  if (part === 'L') return (day) => day.weekDay === 6;
  const last = /^(\w+)L$/.exec(part);
  if (last !== null) {
    const weekDay = index(last[1] ?? '');
    return (day) => day.weekDay === weekDay && day.day + 7 > day.lastOfMonth;
  }
  const nth = /^(\w+)#(\d)$/.exec(part);
  if (nth !== null) {
    const weekDay = index(nth[1] ?? '');
    const count = Number(nth[2]);
    return (day) => day.weekDay === weekDay && Math.ceil(day.day / 7) === count;
  }
  const days = new Set(values(part, range).map((value) => value - sunday));
  return (day) => days.has(day.weekDay);
}

function schedule(dialect: CronSchedule['dialect'], times: Times): CronSchedule {
  return { dialect, next: (afterMs) => nextTime(times, afterMs) };
}

function nextTime(times: Times, afterMs: number): number | undefined {
  // Times have whole seconds.
  const from = new Date((Math.floor(afterMs / 1000) + 1) * 1000);
  const startYear = from.getUTCFullYear();
  for (let year = startYear; year <= Math.min(LAST_YEAR, startYear + HORIZON_YEARS); year += 1) {
    if (times.years !== undefined && !times.years.has(year)) continue;
    for (let month = year === startYear ? from.getUTCMonth() + 1 : 1; month <= 12; month += 1) {
      if (!times.months.has(month)) continue;
      const found = inMonth(times, year, month, from);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function inMonth(times: Times, year: number, month: number, from: Date): number | undefined {
  const lastOfMonth = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const sameMonth = year === from.getUTCFullYear() && month === from.getUTCMonth() + 1;
  for (let day = sameMonth ? from.getUTCDate() : 1; day <= lastOfMonth; day += 1) {
    const midnight = Date.UTC(year, month - 1, day);
    const weekDay = new Date(midnight).getUTCDay();
    if (!times.isDay({ year, month, day, weekDay, lastOfMonth })) continue;
    const found = inDay(times, midnight, from.getTime());
    if (found !== undefined) return found;
  }
  return undefined;
}

function inDay({ hours, minutes, seconds }: Times, midnight: number, from: number): number | undefined {
  for (const hour of hours) {
    if (midnight + (hour + 1) * 3_600_000 <= from) continue;
    for (const minute of minutes) {
      const start = midnight + hour * 3_600_000 + minute * 60_000;
      if (start + 60_000 <= from) continue;
      const second = seconds.find((one) => start + one * 1000 >= from);
      if (second !== undefined) return start + second * 1000;
    }
  }
  return undefined;
}
