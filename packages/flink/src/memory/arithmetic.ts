import { describeMemorySize, MAX_MEMORY_SIZE, type MemorySize } from '../config/memory-size.ts';
import { FlinkError } from '../errors.ts';

/** A fraction of something, kept within bounds. */
export interface RangeFraction {
  readonly min: MemorySize;
  readonly max: MemorySize;
  /** In [0, 1), a 32-bit float widened to 64 bits, as Flink uses it. */
  readonly fraction: number;
}

/** A contradiction or a shortage in the memory options. */
export function memoryError(message: string, next: string): FlinkError {
  return new FlinkError('E_FLINK_MEMORY', message, next);
}

/** Checks the bounds and the fraction that the options named `fractionKey` and its min and max give. */
export function rangeFraction(fractionKey: string, range: RangeFraction): RangeFraction {
  const { min, max, fraction } = range;
  const reason =
    min > max
      ? 'the min value must be less or equal to the max value'
      : !(fraction >= 0 && fraction < 1)
        ? 'the fraction must be in range [0, 1)'
        : undefined;
  if (reason === undefined) return range;
  throw memoryError(
    `Inconsistently configured '${fractionKey}' (${fraction}) and its min (${describeMemorySize(min)}), ` +
      `max (${describeMemorySize(max)}) value: ${reason}`,
    `Change ${fractionKey}, its min or its max so that they agree.`,
  );
}

/** `base × fraction`, kept within the bounds. */
export function withFraction(base: MemorySize, range: RangeFraction): MemorySize {
  return clamp(multiply(base, range.fraction), range);
}

/** The part that makes `fraction` of a whole whose rest is `base`, kept within the bounds. */
export function withInverseFraction(base: MemorySize, range: RangeFraction): MemorySize {
  return clamp(multiply(base, range.fraction / (1 - range.fraction)), range);
}

function clamp(size: MemorySize, { min, max }: RangeFraction): MemorySize {
  if (size > max) return max;
  return size < min ? min : size;
}

/**
 * A size times a factor, computed in decimal on the shortest text of the factor and cut to whole bytes: Flink multiplies
 * `BigDecimal`s, so binary rounding must not show.
 */
export function multiply(size: MemorySize, factor: number): MemorySize {
  const [mantissa = '0', exponentText = '0'] = factor.toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const scale = digits.length - 1 - Number(exponentText);
  const product = size * BigInt(digits);
  const result = scale >= 0 ? product / 10n ** BigInt(scale) : product * 10n ** BigInt(-scale);
  return checked(result);
}

/** The sum of sizes; more than 64 bits is an error, as in Flink. */
export function sum(...sizes: readonly MemorySize[]): MemorySize {
  return checked(sizes.reduce((total, size) => total + size, 0n));
}

function checked(size: MemorySize): MemorySize {
  if (size <= MAX_MEMORY_SIZE) return size;
  throw memoryError('The configured memory sizes exceed 64 bits (long overflow)', 'Use smaller memory sizes.');
}
