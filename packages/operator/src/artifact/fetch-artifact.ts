import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clock } from '@drey/kube';
import { ArtifactError, type ArtifactFetcher, type ArtifactRequest } from './artifact.ts';
import { type ArtifactUri, parseArtifactUri } from './artifact-uri.ts';
import { checkedBytes, tooLarge } from './checked-bytes.ts';
import { httpBytes } from './http-bytes.ts';
import { s3Request } from './s3-request.ts';

/** Names under which Flink knows buckets. */
const S3_SCHEMES: readonly string[] = ['s3', 's3a', 's3p'];

/** Fetches jars over http, https and s3, and from the operator's own files. The clock dates signatures. */
export function artifactFetcher(clock: Pick<Clock, 'now'>): ArtifactFetcher {
  return async (request) => {
    const uri = parseArtifactUri(request.uri);
    if (!request.access.allowedSchemes.includes(uri.scheme)) {
      throw new ArtifactError('E_ARTIFACT_SCHEME', `The scheme ${uri.scheme} of job.jarURI is not allowed.`);
    }
    return checkedBytes(await open(uri, request, clock), uri, request.access.maxBytes);
  };
}

function open(
  uri: ArtifactUri,
  request: ArtifactRequest,
  clock: Pick<Clock, 'now'>,
): Promise<AsyncIterable<Uint8Array>> {
  const { access, signal } = request;
  const { maxBytes, restrictHosts, allowedSchemes } = access;
  const common = { restrictHosts, maxBytes, shown: uri.shown, signal };
  if (uri.scheme === 'http' || uri.scheme === 'https') {
    return httpBytes({ ...common, allowedSchemes, ...withCredentials(uri.url, access.headers) });
  }
  if (S3_SCHEMES.includes(uri.scheme)) {
    if (access.s3 === undefined) {
      throw new ArtifactError('E_ARTIFACT_CREDENTIALS', `There are no credentials for ${uri.shown}.`);
    }
    const signed = s3Request(uri.url.hostname, uri.url.pathname.slice(1), access.s3, clock.now());
    // The store is the administrator's choice, so its host may be a private one; a redirect would break the signature.
    return httpBytes({ ...common, ...signed, restrictHosts: false, allowedSchemes: ['http', 'https'] });
  }
  if (uri.scheme === 'file') return fileBytes(uri, request);
  throw new ArtifactError('E_ARTIFACT_SCHEME', `The operator cannot read ${uri.scheme} addresses.`);
}

/** `user:password@` in an address becomes the header that it stands for. */
function withCredentials(url: URL, headers: ReadonlyMap<string, string>) {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const own = Object.fromEntries([...headers].map(([name, value]) => [name.toLowerCase(), value]));
  const basic = url.username === '' ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  return { url: bare, headers: { ...basic, ...own } };
}

/** Only jars: what lies beside them on the operator's disk is nobody's to upload. */
async function fileBytes(uri: ArtifactUri, { access, signal }: ArtifactRequest): Promise<AsyncIterable<Uint8Array>> {
  if (!uri.url.pathname.endsWith('.jar')) {
    throw new ArtifactError('E_ARTIFACT_REFUSED', `${uri.shown} is no .jar file.`);
  }
  try {
    const path = fileURLToPath(uri.url);
    const found = await stat(path);
    if (!found.isFile()) throw new ArtifactError('E_ARTIFACT_REFUSED', `${uri.shown} is no file.`);
    if (found.size > access.maxBytes) throw tooLarge(uri.shown, access.maxBytes);
    return createReadStream(path, { signal });
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new ArtifactError('E_ARTIFACT_NOT_FOUND', `There is no ${uri.shown}.`);
    throw new ArtifactError('E_ARTIFACT_REFUSED', `${uri.shown} cannot be read (${code ?? 'not a local path'}).`);
  }
}
