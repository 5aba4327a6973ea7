import { readFields, WireError } from './wire.ts';

/** Messages that JSON writes as a scalar, a list or any JSON. `undefined` means that JSON leaves the field out. */
export const specialTypes: Readonly<Record<string, (data: Uint8Array) => unknown>> = {
  'apimachinery.pkg.apis.meta.v1.Time': (data) => timestamp(data, 0),
  'apimachinery.pkg.apis.meta.v1.MicroTime': (data) => timestamp(data, 6),
  'apimachinery.pkg.apis.meta.v1.Duration': (data) => duration(Number(fields(data).integers[1] ?? 0n)),
  'apimachinery.pkg.api.resource.Quantity': (data) => fields(data).texts[1]?.[0] ?? '0',
  'apimachinery.pkg.util.intstr.IntOrString': intOrString,
  'apimachinery.pkg.runtime.RawExtension': json,
  'apimachinery.pkg.apis.meta.v1.FieldsV1': json,
  'apimachinery.pkg.apis.meta.v1.Verbs': (data) => fields(data).texts[1] ?? [],
  'api.authentication.v1.ExtraValue': (data) => fields(data).texts[1] ?? [],
  'api.authorization.v1.ExtraValue': (data) => fields(data).texts[1] ?? [],
  'api.certificates.v1.ExtraValue': (data) => fields(data).texts[1] ?? [],
};

interface Fields {
  readonly integers: Readonly<Record<number, bigint>>;
  readonly texts: Readonly<Record<number, readonly string[]>>;
}

function fields(data: Uint8Array): Fields {
  const integers: Record<number, bigint> = {};
  const texts: Record<number, string[]> = {};
  for (const { number, value } of readFields(data)) {
    if (typeof value === 'bigint') integers[number] = BigInt.asIntN(64, value);
    else texts[number] = [...(texts[number] ?? []), Buffer.from(value).toString('utf8')];
  }
  return { integers, texts };
}

/** An empty message is the zero time, which JSON writes as null or not at all. */
function timestamp(data: Uint8Array, digits: 0 | 6): string | undefined {
  if (data.length === 0) return undefined;
  const { integers } = fields(data);
  const seconds = new Date(Number(integers[1] ?? 0n) * 1000).toISOString().slice(0, -'.000Z'.length);
  if (digits === 0) return `${seconds}Z`;
  const micros = Math.trunc(Number(integers[2] ?? 0n) / 1000);
  return `${seconds}.${String(micros).padStart(6, '0')}Z`;
}

function intOrString(data: Uint8Array): number | string {
  const { integers, texts } = fields(data);
  return integers[1] === 1n ? (texts[3]?.[0] ?? '') : Number(integers[2] ?? 0n);
}

function json(data: Uint8Array): unknown {
  const raw = fields(data).texts[1]?.[0];
  if (raw === undefined || raw === '') return undefined;
  try {
    return JSON.parse(raw);
  } catch {
    throw new WireError('an embedded object is not JSON');
  }
}

/** Go's notation, such as `1h30m0s` or `1.5s`. */
function duration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const total = Math.abs(nanoseconds) / 1e9;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = Number((total % 60).toFixed(9));
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`;
}
