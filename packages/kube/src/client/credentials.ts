import { type Clock, systemClock } from '../runtime/clock.ts';

/** What proves who we are: headers of each request, and a client certificate (PEM) of the connection. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly cert?: string;
  readonly key?: string;
}

/** Gives credentials that are valid now. */
export interface CredentialSource {
  current(): Promise<Credentials>;
  /** The server answered 401 to what `current` gave. True when the next `current` may give something else. */
  refused(): boolean;
}

/** Credentials that never change. */
export function fixedCredentials(credentials: Credentials): CredentialSource {
  return { current: () => Promise.resolve(credentials), refused: () => false };
}

const TOKEN_FILE_MS = 60_000;

/** A token that something else keeps fresh in a file: read again after a minute, and after a 401. */
export function tokenFileCredentials(
  path: string,
  readText: (path: string) => Promise<string>,
  clock: Clock = systemClock,
  certificate: Pick<Credentials, 'cert' | 'key'> = {},
): CredentialSource {
  let held: { readonly at: number; readonly credentials: Credentials } | undefined;
  return {
    async current() {
      if (held !== undefined && clock.monotonic() - held.at < TOKEN_FILE_MS) return held.credentials;
      const at = clock.monotonic();
      const token = (await readText(path)).trim();
      held = { at, credentials: { headers: { authorization: `Bearer ${token}` }, ...certificate } };
      return held.credentials;
    },
    refused() {
      held = undefined;
      return true;
    },
  };
}

/** The same credentials with more headers, for example `impersonate-user`. */
export function withHeaders(source: CredentialSource, headers: Credentials['headers']): CredentialSource {
  return {
    async current() {
      const credentials = await source.current();
      return { ...credentials, headers: { ...credentials.headers, ...headers } };
    },
    refused: () => source.refused(),
  };
}
