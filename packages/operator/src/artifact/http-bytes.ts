import { lookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isRestrictedAddress } from '@drey/api';
import { ArtifactError } from './artifact.ts';
import { tooLarge } from './checked-bytes.ts';

/** One read over http or https. */
export interface HttpRead {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly restrictHosts: boolean;
  /** Schemes to which a redirect may lead. */
  readonly allowedSchemes: readonly string[];
  readonly maxBytes: number;
  /** For people. */
  readonly shown: string;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 5;
/** A server that sends nothing for this long is given up. */
const SILENCE_MS = 60_000;

/**
 * Reads a body. Addresses are judged when the connection is made, and at every redirect, so that a name that resolves to
 * something else a moment later gains nothing.
 */
export async function httpBytes(read: HttpRead): Promise<AsyncIterable<Uint8Array>> {
  let { url, headers } = read;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const response = await get({ ...read, url, headers });
    const { statusCode = 0 } = response;
    const { location } = response.headers;
    if (statusCode >= 300 && statusCode < 400 && location !== undefined) {
      response.destroy();
      const next = URL.parse(location, url.href);
      if (next === null) throw unusable(read, `leads to an address that cannot be read`);
      if (next.origin !== url.origin) headers = {};
      url = next;
      continue;
    }
    if (statusCode !== 200) {
      response.destroy();
      throw statusError(statusCode, read);
    }
    if (Number(response.headers['content-length'] ?? 0) > read.maxBytes) {
      response.destroy();
      throw tooLarge(read.shown, read.maxBytes);
    }
    return body(response, read);
  }
  throw unusable(read, `leads on more than ${MAX_REDIRECTS} times`);
}

function get(read: HttpRead): Promise<IncomingMessage> {
  const { url, headers, signal, allowedSchemes } = read;
  const scheme = url.protocol.slice(0, -1);
  if ((scheme !== 'http' && scheme !== 'https') || !allowedSchemes.includes(scheme)) {
    throw new ArtifactError('E_ARTIFACT_SCHEME', `${read.shown} leads to the scheme ${scheme}, which is not allowed.`);
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (read.restrictHosts && isIP(literal) > 0 && isRestrictedAddress(literal)) throw restricted(url.hostname);
  const send = scheme === 'https' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // A connection of its own: one that was kept would not be judged again.
    const options = { headers, signal, timeout: SILENCE_MS, lookup: lookupOf(read), agent: false } as const;
    const request = send(url, options, resolve);
    request.on('timeout', () => request.destroy(new Error(`nothing came for ${SILENCE_MS / 1000} s`)));
    request.on('error', (error) => reject(asArtifactError(error, read)));
    request.end();
  });
}

/** Resolves a name and refuses it when one of its addresses is restricted. */
function lookupOf({ restrictHosts }: HttpRead): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      if (restrictHosts && addresses.some(({ address }) => isRestrictedAddress(address))) {
        return callback(restricted(hostname), '', 0);
      }
      const [first] = addresses;
      if (options.all) return callback(null, addresses);
      return callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}

async function* body(response: IncomingMessage, read: HttpRead): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of response as AsyncIterable<Uint8Array>) yield piece;
  } catch (error) {
    throw asArtifactError(error, read);
  }
}

function restricted(host: string): ArtifactError {
  return new ArtifactError('E_ARTIFACT_HOST', `jarURI host '${host}' resolves to a restricted address`);
}

function unusable({ shown }: HttpRead, what: string): ArtifactError {
  return new ArtifactError('E_ARTIFACT_UNREACHABLE', `${shown} ${what}.`);
}

function statusError(status: number, { shown }: HttpRead): ArtifactError {
  if (status === 404 || status === 410)
    return new ArtifactError('E_ARTIFACT_NOT_FOUND', `There is no ${shown} (${status}).`);
  if (status === 401 || status === 403 || status === 407) {
    return new ArtifactError('E_ARTIFACT_REFUSED', `The operator may not read ${shown} (${status}).`);
  }
  return new ArtifactError('E_ARTIFACT_UNREACHABLE', `${shown} answers with status ${status}.`);
}

function asArtifactError(error: unknown, { shown }: HttpRead): ArtifactError {
  if (error instanceof ArtifactError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'its host cannot be resolved' : (code ?? message);
  return new ArtifactError('E_ARTIFACT_UNREACHABLE', `${shown} is out of reach: ${why}.`, { cause: error });
}
