import { ManifestError } from './errors.ts';

/** Characters that a URI may not hold unescaped: blanks, controls, quotes, brackets and the like; other scripts are fine. */
const ILLEGAL = /[\s\p{Cc}"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})/u;

/** The jar of a job as the native client is given it: the URI as the user wrote it. */
export function nativeJarUri(uri: string): string {
  if (!ILLEGAL.test(uri)) return uri;
  throw new ManifestError(
    'E_SPEC_JAR_URI',
    `spec.job.jarURI "${uri}" is not a URI: it holds a character that must be escaped`,
    'Write blanks as %20 and escape other special characters likewise.',
  );
}

/** The jar of a job as a standalone cluster finds it on its class path: `local:` means a file in the image. */
export function standaloneJarUri(uri: string): string {
  const checked = nativeJarUri(uri);
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(checked)) {
    throw new ManifestError(
      'E_SPEC_JAR_URI',
      `spec.job.jarURI "${uri}" has no scheme`,
      'Begin it with local:// for a file in the image, or with https:// for one to fetch.',
    );
  }
  const ascii = checked.replace(/[^\u0020-\u007e]+/g, (text) => encodeURIComponent(text.normalize('NFC')));
  return ascii.replace(/^local:/, 'file:');
}
