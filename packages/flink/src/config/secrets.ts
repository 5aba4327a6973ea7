const MASKED = [
  'password',
  'secret',
  'fs.azure.account.key',
  'apikey',
  'api-key',
  'auth-params',
  'service-key',
  'token',
  'basic-auth',
  'jaas.config',
  'http-headers',
  'access-key',
  'access.key',
  'accesskey',
];

/** What stands in the place of a masked value, as in Flink's own REST answers. */
export const MASKED_VALUE = '******';

/** Whether the value of a key may hold a secret: the union of what any Flink version masks. */
export function isSensitiveKey(key: string): boolean {
  const lower = key.toLowerCase();
  return MASKED.some((part) => lower.includes(part));
}

/** A shorter value is too common a text to be looked for in other texts. */
const SHORTEST_SECRET = 4;
/** `name=value` and `name: value` where the name says that the value is a secret. */
const NAMED_SECRET =
  /((?:password|passwd|secret|api-?key|access[-.]?key|token|jaas\.config|basic-auth)(?:[._-][\w.-]*)?["']?\s*[=:]\s*["']?)([^\s"',;&)\]}]+)/gi;
/** User and password in a URL. */
const URL_SECRET = /(\b[a-z][\w+.-]*:\/\/[^\s:/@]*:)[^\s/@]+(?=@)/gi;
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;

/** Values that tell nothing, whatever the key: flags, and numbers such as ratios and counts. */
const HARMLESS = /^(?:true|false|null|[\d.]{1,7})$/i;

/** The values of a configuration that may be secrets. */
export function secretValues(entries: Iterable<readonly [key: string, value: string]>): string[] {
  return [...entries].filter(([key, value]) => isSensitiveKey(key) && isSecret(value)).map(([, value]) => value);
}

function isSecret(value: string): boolean {
  return value !== '' && !HARMLESS.test(value);
}

/**
 * Every text inside plain data that may be a secret: values under sensitive keys, `value` beside a sensitive `name` (as
 * environment variables have them), what follows a sensitive option (`--password x`, `-Dapp.token=x`), and the password of a
 * URL. Keys are also judged by their whole path, so that nested configuration counts as flat one does.
 */
export function secretsIn(data: unknown): string[] {
  const found = new Set<string>();
  collect(data, '', found);
  return [...found];
}

/** Members and options that hold the names of Secrets; those are no secrets, and people need them to mend what is missing. */
const NAMES_OF_SECRETS =
  /\.(?:secretName|secretKeyRef|secretRef|imagePullSecrets|serviceAccountToken|kubernetes\.secrets|kubernetes\.env\.secretKeyRef|kubernetes\.container\.image\.pull-secrets)$/i;

function collect(data: unknown, path: string, found: Set<string>): void {
  if (NAMES_OF_SECRETS.test(path)) return;
  if (typeof data === 'string' || typeof data === 'number') {
    collectText(String(data), path, found);
  } else if (Array.isArray(data)) {
    for (const [index, item] of data.entries()) {
      const option: unknown = data[index - 1];
      const name = typeof option === 'string' && /^--?[\w.-]+$/.test(option) ? `${path}.${option}` : path;
      collect(item, name, found);
    }
  } else if (typeof data === 'object' && data !== null && !('secretName' in data)) {
    const { name, value } = data as { name?: unknown; value?: unknown };
    if (typeof name === 'string' && typeof value === 'string') collectText(value, `${path}.${name}`, found);
    for (const [key, member] of Object.entries(data)) collect(member, `${path}.${key}`, found);
  }
}

/** The option, or an entry of it, that holds the headers with which jars are fetched. */
const FETCH_HEADERS = /\.user\.artifacts\.http\.header(?:\.|$)/;
/** A token that says what it is. */
const BEARER_TOKEN = /(\bbearer\s+)[\w.~+/=-]{8,}/gi;

function collectText(text: string, path: string, found: Set<string>): void {
  if (isSensitiveKey(path) && isSecret(text)) found.add(text);
  if (FETCH_HEADERS.test(path)) for (const value of headerValues(text)) if (isSecret(value)) found.add(value);
  for (const pattern of [NAMED_SECRET, URL_SECRET, BEARER_TOKEN]) {
    for (const match of text.matchAll(pattern)) {
      const secret = match[0].slice(match[1]?.length ?? 0);
      if (isSecret(secret)) found.add(secret);
    }
  }
}

/** Of `name:value,name:value`, quoted or not; any header may be the one that lets the operator in. */
function headerValues(text: string): string[] {
  return text.split(',').map((header) => header.replace(/^[^:]*:/, '').replace(/^[\s'"]+|[\s'"]+$/g, ''));
}

/**
 * A text that others may read: the given secrets are replaced wherever they stand in it, and so is what looks like one (the
 * password of a URL, a bearer token, the value after a name such as `password=`). Text of other programs goes through here
 * before it gets into a status, an event or a log.
 */
export function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  const known = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .sort((left, right) => right.length - left.length)
    .reduce((shown, secret) => shown.replaceAll(secret, MASKED_VALUE), text);
  return known
    .replace(URL_SECRET, `$1${MASKED_VALUE}`)
    .replace(BEARER, `$1 ${MASKED_VALUE}`)
    .replace(NAMED_SECRET, `$1${MASKED_VALUE}`);
}
