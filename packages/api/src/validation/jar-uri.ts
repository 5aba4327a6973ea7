import { javaHashOrder } from '../values/java-hash-order.ts';
import { readJavaUri } from '../values/java-uri.ts';
import type { Settings, ValidationContext } from './context.ts';
import { problem, type ValidationProblem } from './problem.ts';

const ALLOWED_SCHEMES = 'kubernetes.operator.user.artifacts.allowed-schemes';
const DISALLOW_RESTRICTED_HOSTS = 'kubernetes.operator.user.artifacts.disallow-restricted-hosts';

/** Checks where a session job’s jar is fetched from: the operator fetches it, so it may not be led anywhere. */
export function checkJarUri(
  uri: string,
  settings: Settings,
  resolveHost: ValidationContext['resolveHost'],
): ValidationProblem | undefined {
  const read = readJavaUri(uri);
  if (!read.ok) return refuse(`jarURI is not a valid URI: ${read.reason}`);
  const { scheme, host } = read.value;
  if (scheme === undefined) return refuse('jarURI must include a scheme');
  const allowed = allowedSchemes(settings);
  if (!allowed.includes(scheme.toLowerCase())) {
    return refuse(
      `jarURI scheme '${scheme}' is not in the allowlist [${allowed.join(', ')}]. Configure '${ALLOWED_SCHEMES}' to extend the allowlist.`,
    );
  }
  if (!/^https?$/i.test(scheme) || !settings.flag(true, DISALLOW_RESTRICTED_HOSTS)) return undefined;
  if (host === undefined) return refuse('jarURI must include a host for http/https schemes');
  return checkHost(host, resolveHost);
}

function checkHost(host: string, resolveHost: ValidationContext['resolveHost']): ValidationProblem | undefined {
  const literal = host.replace(/^\[|\]$/g, '');
  const numeric = numericV4(literal);
  const known =
    numeric ?? (literal.includes(':') ? literal : host.toLowerCase() === 'localhost' ? '127.0.0.1' : undefined);
  const addresses = known === undefined ? resolveHost?.(host) : [known];
  if (addresses === undefined || addresses.length === 0) return refuse(`jarURI host '${host}' cannot be resolved`);
  return addresses.some(isRestrictedAddress)
    ? refuse(`jarURI host '${host}' resolves to a restricted address`)
    : undefined;
}

function allowedSchemes(settings: Settings): string[] {
  const text = settings.text(ALLOWED_SCHEMES) ?? 'https';
  const schemes = text.split(';').map((scheme) =>
    scheme
      .trim()
      .replace(/^(['"])(.*)\1$/, '$2')
      .toLowerCase(),
  );
  return javaHashOrder([...new Set(schemes.filter((scheme) => scheme !== ''))]);
}

/** An IPv4 address in the usual form, from any of the numeric forms that resolvers take: `127.1`, `2130706433`. */
function numericV4(text: string): string | undefined {
  if (!/^\d{1,10}(?:\.\d{1,10}){0,3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  const last = parts.pop() ?? 0;
  if (parts.some((part) => part > 255) || last >= 256 ** (4 - parts.length)) return undefined;
  const rest = Array.from(
    { length: 4 - parts.length },
    (_, i) => Math.floor(last / 256 ** (3 - parts.length - i)) % 256,
  );
  return [...parts, ...rest].join('.');
}

/** Loopback, link-local, site-local, wildcard and multicast addresses. */
export function isRestrictedAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (!mapped.includes(':')) return isRestrictedV4(mapped.split('.').map(Number));
  const text = mapped.toLowerCase();
  if (/^[0:]*:0*1?$/.test(text)) return true;
  return /^(?:fe[89a-f]|ff)/.test(text);
}

function isRestrictedV4([a = 0, b = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || (a >= 224 && a <= 239)) return true;
  return (a === 169 && b === 254) || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
}

function refuse(message: string): ValidationProblem {
  return problem(
    'E_VALIDATION_JAR_URI',
    'spec.job.jarURI',
    message,
    `Name a jar on a public https address, or let the operator’s administrator allow more (${ALLOWED_SCHEMES}, ${DISALLOW_RESTRICTED_HOSTS}).`,
  );
}
