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
