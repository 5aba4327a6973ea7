import { type MediaType, parseAccept } from './discovery/media-types.ts';
import { failure } from './status.ts';

/** How an answer is written. */
export interface Representation {
  readonly encoding: 'json' | 'yaml';
  readonly as: 'object' | 'table' | 'metadata' | 'metadata-list';
  /** apiVersion of tables and partial metadata. */
  readonly metaVersion: 'v1' | 'v1beta1';
  readonly pretty: boolean;
}

const PLAIN: Representation = { encoding: 'json', as: 'object', metaVersion: 'v1', pretty: false };

const TRANSFORMS: Readonly<Record<string, Representation['as']>> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata-list',
};

const PRODUCED = new Set(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', '*/*']);

/**
 * The representation that an `Accept` header asks for. Throws 406 when it asks only for what the server does not write
 * (protobuf among them: this server answers in JSON and YAML).
 */
export function negotiate(accept: string | undefined, query: URLSearchParams): Representation {
  const pretty = isPretty(query.get('pretty'));
  if (accept === undefined || accept === '' || accept === 'application/json') return { ...PLAIN, pretty };
  for (const entry of parseAccept(accept)) {
    const found = representationOf(entry);
    if (found !== undefined) return { ...found, pretty };
  }
  throw notAcceptable(parseAccept(accept).some(({ type }) => PRODUCED.has(type)));
}

/** `known`: the type is one that is produced, but not in the form that was asked for. */
function notAcceptable(known: boolean): Error {
  const types = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
  if (known) {
    return failure({
      code: 406,
      reason: 'NotAcceptable',
      message: `only the following media types are accepted: ${types}`,
    });
  }
  const message = `406: Not Acceptable\n\nAvailable representations: ${types}`;
  return failure({ code: 406, reason: 'NotAcceptable', message, details: {} });
}

function isPretty(value: string | null): boolean {
  return value !== null && value !== '' && value !== 'false' && value !== '0';
}

function representationOf({ type, parameters }: MediaType): Representation | undefined {
  const encoding = encodingOf(type);
  if (encoding === undefined) return undefined;
  if (parameters.as === undefined) return { ...PLAIN, encoding };
  const as = TRANSFORMS[parameters.as];
  const { v, g } = parameters;
  if (as === undefined || g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined;
  return { encoding, as, metaVersion: v, pretty: false };
}

function encodingOf(type: string): Representation['encoding'] | undefined {
  if (type === 'application/json' || type === '*/*' || type === 'application/*') return 'json';
  return type === 'application/yaml' ? 'yaml' : undefined;
}
