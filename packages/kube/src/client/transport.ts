/**
 * The seam between the client and the network: one request, one response whose body is a stream of bytes.
 * Implementations: undici over TLS ({@link file://./undici-transport.ts}), and the in-process API server of the
 * development cluster, which the simulator wraps with faults.
 */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query, for example `/api/v1/pods?limit=500`. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** `stream` for watches and followed logs: no body timeout, a connection that calls cannot starve. */
  readonly mode: 'call' | 'stream';
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers are joined with `, ` (Warning keeps one entry a line: see `warnings`). */
  readonly headers: Readonly<Record<string, string>>;
  /** Values of the `Warning` header, one each. */
  readonly warnings: readonly string[];
  readonly body: AsyncIterable<Uint8Array>;
}

/** Rejects only when no response arrived (connection refused, reset, aborted); HTTP errors are responses. */
export interface Transport {
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Ends open connections; later requests reject. */
  close(): Promise<void>;
}
