import { type JavaUri, readJavaUri } from '@drey/api';
import { ManifestError } from './errors.ts';

/** Characters that a part of a URI holds as they are, besides visible ones of other scripts. */
const AUTHORITY = /[-A-Za-z0-9_.!~*'():@&=+$,;[\]%]/;
const PATH = /[-A-Za-z0-9_.!~*'():@&=+$,;/]/;
const QUERY = /[-A-Za-z0-9_.!~*'():@&=+$,;/?[\]]/;

/** The jar of a job as the native client is given it: the URI as the user wrote it. */
export function nativeJarUri(uri: string): string {
  parts(uri);
  return uri;
}

/** The jar of a job as a standalone cluster finds it on its class path: `local:` means a file in the image. */
export function standaloneJarUri(uri: string): string {
  const { scheme, authority = '', path = '', query, fragment } = parts(uri);
  if (scheme === undefined) {
    throw new ManifestError(
      'E_SPEC_JAR_URI',
      `spec.job.jarURI "${uri}" has no scheme`,
      'Begin it with local:// for a file in the image, or with https:// for one to fetch.',
    );
  }
  if (scheme !== 'local') return inAscii(uri);
  const place = `${encoded(authority, AUTHORITY)}${encoded(path, PATH)}`;
  if (place === '') throw refuse(uri, 'it names no file');
  const rest = [
    query === undefined ? '' : `?${encoded(query, QUERY)}`,
    fragment === undefined ? '' : `#${encoded(fragment, QUERY)}`,
  ];
  return inAscii(`file://${place}${rest.join('')}`);
}

function parts(uri: string): JavaUri {
  const read = readJavaUri(uri);
  if (read.ok) return read.value;
  throw refuse(uri, read.reason);
}

function refuse(uri: string, reason: string): ManifestError {
  return new ManifestError(
    'E_SPEC_JAR_URI',
    `spec.job.jarURI "${uri}" is not a URI: ${reason}`,
    'Write blanks as %20 and escape other special characters likewise.',
  );
}

/** A part of a URI with the fewest escapes that it needs. */
function encoded(part: string, kept: RegExp): string {
  const plain = part.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
  const keep = (char: string): boolean => kept.test(char) || (char > '\u0080' && !/[\p{Z}\p{Cc}]/u.test(char));
  return [...plain].map((char) => (keep(char) ? char : encodeURIComponent(char.toWellFormed()))).join('');
}

function inAscii(uri: string): string {
  if (!/[\u0080-\uffff]/.test(uri)) return uri;
  return uri
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\u0080-\uffff]+/g, encodeURIComponent);
}
