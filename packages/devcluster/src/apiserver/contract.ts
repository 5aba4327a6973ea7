/**
 * The API server of the development cluster, seen from its neighbours: the TLS front, the in-process transport, the
 * controllers and nodes (through a kube client), and the simulator.
 */

/** Who makes a request, after authentication. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ApiRequest {
  readonly method: string;
  /** Without the query, percent-decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly user: User;
  /** Aborted when the client goes away; ends watches and followed logs. */
  readonly signal: AbortSignal;
  /** Set when the client asked for a WebSocket; only handlers that answer with `upgrade` look at it. */
  readonly webSocket?: { readonly protocols: readonly string[] };
}

export interface ApiResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Texts, as a user reads them; the transport makes them `Warning: 299 - "…"` headers. */
  readonly warnings?: readonly string[];
  /** A whole body, or a stream (watch, log). Absent: empty. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** With status 101: what happens on the connection after the handshake. */
  readonly upgrade?: Upgrade;
}

/** A session on an upgraded connection (exec, attach, port-forward). */
export interface Upgrade {
  /** One of the protocols the client offered; undefined when it offered none. */
  readonly protocol: string | undefined;
  /** Resolves when the session is over; the connection is closed then. */
  run(socket: MessageSocket): Promise<void>;
}

/** A WebSocket as sessions see it: binary messages in both directions. */
export interface MessageSocket {
  /** Ends when the client closes or goes away. */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Resolves when the message was handed to the network (back-pressure). */
  send(data: Uint8Array): Promise<void>;
  close(code?: number, reason?: string): void;
}

/** Handles one authenticated request: authorization, admission, storage. Never rejects: faults become a 500 Status. */
export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;

/**
 * What a node offers to the API server for pods it runs (the kubelet's server side). Errors are
 * {@link NodeCallError} values with a message for the user.
 */
export interface NodeBackend {
  /** Bytes of the container's log; with `follow` the stream ends when the container ends or `signal` aborts. */
  logs(target: ContainerTarget, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exec(target: ContainerTarget, command: readonly string[], io: ExecOptions): Promise<ExecSession>;
  /** A byte stream to a port of the pod. */
  dial(namespace: string, pod: string, port: number): Promise<DuplexBytes>;
}

export interface ContainerTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

export interface ExecOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
}

export interface ExecSession {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): void;
  closeStdin(): void;
  resize(columns: number, rows: number): void;
  /** Resolves when the command ended. */
  readonly exit: Promise<{ code: number }>;
  kill(): void;
}

export interface DuplexBytes {
  readonly readable: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  end(): void;
  destroy(): void;
}
