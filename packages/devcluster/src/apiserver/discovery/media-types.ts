import type { ApiResponse } from '../contract.ts';
import { statusResponse } from '../front/wire.ts';

/** One entry of an Accept header. */
export interface MediaType {
  /** For example `application/json`, or a pattern with stars. */
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The entries of an Accept header, the most wanted first; an absent header accepts anything. */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: {} }];
  return header
    .split(',')
    .map((entry) => {
      const [type = '', ...rest] = entry.split(';').map((part) => part.trim());
      const parameters = Object.fromEntries(rest.map((part) => part.split('=', 2) as [string, string]));
      return { type: type.toLowerCase(), parameters, quality: Number(parameters.q ?? 1) };
    })
    .filter(({ type, quality }) => type !== '' && quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

/** Whether plain JSON answers an entry. */
export function acceptsJson({ type, parameters }: MediaType): boolean {
  const any = type === 'application/json' || type === 'application/*' || type === '*/*';
  return any && parameters.as === undefined;
}

/** The answer to an Accept header that nothing here can satisfy. */
export function notAcceptable(): ApiResponse {
  const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
  return statusResponse(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
}
