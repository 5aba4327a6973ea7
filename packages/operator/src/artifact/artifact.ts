/** Why a jar could not be fetched. */
export type ArtifactErrorCode =
  | 'E_ARTIFACT_URI'
  | 'E_ARTIFACT_SCHEME'
  | 'E_ARTIFACT_HOST'
  | 'E_ARTIFACT_UNREACHABLE'
  | 'E_ARTIFACT_NOT_FOUND'
  | 'E_ARTIFACT_REFUSED'
  | 'E_ARTIFACT_TOO_LARGE'
  | 'E_ARTIFACT_CHECKSUM'
  | 'E_ARTIFACT_CREDENTIALS';

const NEXT_STEPS: Readonly<Record<ArtifactErrorCode, string>> = {
  E_ARTIFACT_URI: 'Write job.jarURI as scheme://host/path/name.jar, with #sha256=<hex> after it to have it checked.',
  E_ARTIFACT_SCHEME:
    'Use an allowed scheme, or let the administrator of the operator add this one to kubernetes.operator.user.artifacts.allowed-schemes.',
  E_ARTIFACT_HOST:
    'Use a public host, or let the administrator of the operator set kubernetes.operator.user.artifacts.disallow-restricted-hosts to false.',
  E_ARTIFACT_UNREACHABLE:
    'Nothing: it is tried again. If it goes on, check job.jarURI and the network of the operator.',
  E_ARTIFACT_NOT_FOUND: 'Put the jar there, or correct job.jarURI; it is tried again.',
  E_ARTIFACT_REFUSED:
    'Allow the operator to read it: kubernetes.operator.user.artifacts.http.header for http, s3.access-key and s3.secret-key for s3.',
  E_ARTIFACT_TOO_LARGE:
    'Make the jar smaller, or let the administrator of the operator raise kubernetes.operator.user.artifacts.max-size.',
  E_ARTIFACT_CHECKSUM: 'Correct the checksum in job.jarURI, or find out who changed the jar.',
  E_ARTIFACT_CREDENTIALS:
    'Let the administrator of the operator configure s3.access-key and s3.secret-key, for all or for this namespace.',
};

/** A jar could not be fetched. Texts name the address without credentials and without its query. */
export class ArtifactError extends Error {
  readonly code: ArtifactErrorCode;
  readonly nextStep: string;
  constructor(code: ArtifactErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ArtifactError';
    this.code = code;
    this.nextStep = NEXT_STEPS[code];
  }
}

/** How a bucket is read. */
export interface S3Access {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string | undefined;
  /** Address of a store that is not Amazon's; undefined: Amazon's for the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  /** The bucket is in the path rather than in the host name. */
  readonly pathStyle: boolean;
}

/** What an administrator allows, and what a fetch may use. */
export interface ArtifactAccess {
  /** Lower case, without the colon. */
  readonly allowedSchemes: readonly string[];
  /** Loopback, private and link-local hosts are refused, also after redirects. */
  readonly restrictHosts: boolean;
  readonly maxBytes: number;
  /** Sent to the host that the address names, and not beyond a redirect to another one. */
  readonly headers: ReadonlyMap<string, string>;
  readonly s3: S3Access | undefined;
}

/** A jar to fetch. */
export interface ArtifactRequest {
  /** As the user wrote it. */
  readonly uri: string;
  readonly access: ArtifactAccess;
  /** Ends the fetch, also while the bytes come. */
  readonly signal: AbortSignal;
}

/**
 * Opens a jar and gives its bytes as they come; nothing is kept anywhere. Rejects, or breaks off, with {@link ArtifactError};
 * the size and the checksum are known to be right only when the iterable has ended.
 */
export type ArtifactFetcher = (request: ArtifactRequest) => Promise<AsyncIterable<Uint8Array>>;
