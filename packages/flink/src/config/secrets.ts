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

/** The values of a configuration that may be secrets. */
export function secretValues(entries: Iterable<readonly [key: string, value: string]>): string[] {
  return [...entries].filter(([key, value]) => isSensitiveKey(key) && value !== '').map(([, value]) => value);
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
