/** One field of a cron expression: its range, and the names that stand for numbers. */
interface Field {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
  readonly day?: 'month' | 'week';
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEK_DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31, day: 'month' },
  { min: 1, max: 12, names: MONTHS },
  { min: 1, max: 7, names: WEEK_DAYS, day: 'week' },
  { min: 1970, max: 2199 },
];

/**
 * Whether a text is a cron expression of the Quartz kind: seconds first, six or seven fields, exactly one of the two day
 * fields a question mark. What follows the seventh field is not looked at.
 */
export function isCronExpression(text: string): boolean {
  const words = text.trim().toUpperCase().split(/\s+/);
  if (words.length < 6) return false;
  const questionMarks = [words[3], words[5]].filter((word) => word === '?').length;
  if (questionMarks !== 1) return false;
  return FIELDS.every((field, index) => words[index] === undefined || isField(words[index] ?? '', field));
}

function isField(word: string, field: Field): boolean {
  if (word === '?') return field.day !== undefined;
  return word.split(',').every((part) => isPart(part, field));
}

function isPart(part: string, field: Field): boolean {
  if (field.day === 'month' && /^(?:L(?:-(?:[12]?\d|30))?W?|(?:[1-9]|[12]\d|3[01])W)$/.test(part)) return true;
  if (field.day === 'week' && (part === 'L' || isSpecialWeekDay(part, field))) return true;
  const [range = '', step, extra] = part.split('/');
  if (extra !== undefined || (step !== undefined && !/^\d{1,4}$/.test(step))) return false;
  // A step beyond the field is refused only where it starts at the field's beginning.
  if ((range === '*' || range === '') && Number(step ?? 0) > field.max) return false;
  if (range === '*' || (range === '' && step !== undefined)) return true;
  const ends = range.split('-');
  return ends.length <= 2 && ends.every((end) => isValue(end, field));
}

/** The last such day of the month (`6L`), or the how manieth (`6#3`). */
function isSpecialWeekDay(part: string, field: Field): boolean {
  const match = /^(\w+?)(?:L|#([1-5]))$/.exec(part);
  return match !== null && isValue(match[1] ?? '', field);
}

function isValue(text: string, { min, max, names }: Field): boolean {
  if (names?.includes(text)) return true;
  return /^\d{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max;
}
