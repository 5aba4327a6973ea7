import { ArtifactError } from './artifact.ts';

/** The parts of the address of a jar. */
export interface ArtifactUri {
  /** Lower case, without the colon. */
  readonly scheme: string;
  /** Without the fragment. */
  readonly url: URL;
  readonly checksum: { readonly algorithm: 'sha256' | 'sha512'; readonly hex: string } | undefined;
  /** For people: without credentials, query and fragment. */
  readonly shown: string;
}

const DIGITS = { sha256: 64, sha512: 128 } as const;

/**
 * Reads `scheme://…/name.jar#sha256=<hex>`. The fragment is Drey's own: a web server never sees it, and another checksum
 * is another address, so that a job whose jar was replaced under the same name is upgraded. Throws `E_ARTIFACT_URI`.
 */
export function parseArtifactUri(text: string): ArtifactUri {
  const url = URL.parse(text);
  if (url === null) throw new ArtifactError('E_ARTIFACT_URI', 'job.jarURI is no address.');
  const fragment = url.hash.slice(1);
  url.hash = '';
  const shown = new URL(url);
  shown.search = '';
  shown.username = '';
  shown.password = '';
  return { scheme: url.protocol.slice(0, -1).toLowerCase(), url, checksum: checksumOf(fragment), shown: shown.href };
}

function checksumOf(fragment: string): ArtifactUri['checksum'] {
  if (fragment === '') return undefined;
  const [, algorithm, hex = ''] = /^(sha256|sha512)=([0-9A-Fa-f]+)$/.exec(fragment) ?? [];
  if ((algorithm !== 'sha256' && algorithm !== 'sha512') || hex.length !== DIGITS[algorithm]) {
    throw new ArtifactError(
      'E_ARTIFACT_URI',
      'After # in job.jarURI only sha256=<64 digits> or sha512=<128 digits> may come.',
    );
  }
  return { algorithm, hex: hex.toLowerCase() };
}

/** The name under which Flink is given the jar, which has to end in .jar. */
export function jarName(text: string): string {
  const path = URL.parse(text)?.pathname ?? '';
  const last = path.split('/').at(-1) ?? '';
  const safe = last.replace(/[^A-Za-z0-9._-]/g, '_').slice(-100);
  return safe.endsWith('.jar') ? safe : `${safe === '' ? 'job' : safe}.jar`;
}
