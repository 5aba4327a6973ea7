import { goJsonError } from '../schema/json-scanner.ts';
import { badRequest } from '../status.ts';

/** Where a paged list goes on. A negative revision means: at whatever is newest. */
export interface ContinueToken {
  readonly revision: number;
  /** The first key of the next page. */
  readonly start: string;
}

export function encodeContinue({ revision, start }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');
}

/** Throws 400 for what is not a token of this server. */
export function decodeContinue(text: string): ContinueToken {
  const json = Buffer.from(text, 'base64url');
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8'));
  } catch {
    throw badToken(goJsonError(json.toString('latin1')) ?? 'unexpected end of JSON input');
  }
  const { v, rv, start } = (value ?? {}) as { v?: unknown; rv?: unknown; start?: unknown };
  if (v !== 'meta.k8s.io/v1') throw badToken(`server does not recognize this encoded version ${JSON.stringify(v)}`);
  if (typeof rv !== 'number' || rv === 0 || typeof start !== 'string') {
    throw badToken('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  }
  return { revision: rv, start };
}

function badToken(why: string): Error {
  // Go escapes what cannot be printed.
  const shown = why.replace(
    /[\u0080-\u00a0]/g,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
  return badRequest(`invalid continue token: continue key is not valid: ${shown}`);
}
