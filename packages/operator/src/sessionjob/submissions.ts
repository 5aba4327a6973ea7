import type { Answer } from '@drey/flink';
import type { Clock } from '@drey/kube';
import { ArtifactError, type ArtifactFetcher } from '../artifact/artifact.ts';
import { emptyJar } from '../artifact/empty-jar.ts';
import type { FlinkCluster } from '../runtime/ports.ts';
import type { JarStart, JarUpload } from './plan.ts';

/** How far this process has come with submitting a job under one operation. */
export type Submission =
  | { readonly kind: 'uploading' | 'running'; readonly operationId: string }
  /** Flink has the jar. */
  | { readonly kind: 'uploaded'; readonly operationId: string; readonly jarId: string }
  /** Flink has started the job, or says that it knows it already. */
  | { readonly kind: 'accepted'; readonly operationId: string }
  | FailedSubmission;

/** An attempt that came to nothing. */
export interface FailedSubmission {
  readonly kind: 'failed';
  readonly operationId: string;
  readonly stage: 'upload' | 'run';
  /** Nothing was started: Flink refused, or was never asked to run anything. */
  readonly certain: boolean;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Attempts under this operation that failed, this one included. */
  readonly attempts: number;
  readonly message: string;
}

/** Jars on their way at once. More wait their turn: each takes a connection at both ends. */
const MAX_UPLOADS = 8;

/** What work at the desk needs from outside. */
export interface SubmissionsOptions {
  readonly clock: Clock;
  readonly fetch: ArtifactFetcher;
  /** Something of this key has ended. */
  readonly wake: (key: string) => void;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

/**
 * Uploads and runs of jars that are under way. They take as long as a network or a `main()` takes, so they go on beside the
 * passes, which see from {@link Submissions.of} how far they are.
 *
 * Guarantees: one piece of work a key at a time, the same one asked for twice is one; nothing of it is remembered anywhere
 * else, so that after a crash the record in the status says what may have happened.
 */
export class Submissions {
  readonly #options: SubmissionsOptions;
  readonly #entries = new Map<string, { submission: Submission; failures: number; abort: AbortController }>();
  readonly #turns: (() => void)[] = [];
  #uploads = 0;

  constructor(options: SubmissionsOptions) {
    this.#options = options;
  }

  /** How far the work under `key` is. */
  of(key: string): Submission | undefined {
    return this.#entries.get(key)?.submission;
  }

  /** Begins to bring a jar to Flink, unless that is under way. */
  upload(key: string, upload: JarUpload, flink: FlinkCluster): void {
    this.#begin(key, upload, 'uploading', async (signal) => {
      await this.#turn();
      try {
        signal.throwIfAborted();
        return await this.#bring(upload, flink, signal);
      } finally {
        this.#pass();
      }
    });
  }

  /** Begins to run a jar, unless that is under way. */
  run(key: string, run: JarStart, flink: FlinkCluster): void {
    this.#begin(key, run, 'running', async (signal) => {
      const answer = await flink.runJar(run.jarId, run.request, { timeoutMs: run.timeoutMs, signal });
      if (answer.kind === 'ok' || isKnownJob(answer)) return { kind: 'accepted' };
      const certain = answer.kind !== 'unknown' || !answer.maybeDone;
      return { kind: 'failed', stage: 'run', certain, message: answer.message };
    });
  }

  /** Ends what is under way for an object that is gone or no longer wants it. */
  forget(key: string): void {
    this.#entries.get(key)?.abort.abort();
    this.#entries.delete(key);
  }

  #begin(
    key: string,
    { operationId, timeoutMs }: { readonly operationId: string; readonly timeoutMs: number },
    kind: 'uploading' | 'running',
    work: (signal: AbortSignal) => Promise<Result>,
  ): void {
    const before = this.#entries.get(key);
    const same = before?.submission.operationId === operationId;
    if (same && before?.submission.kind === kind) return;
    before?.abort.abort();
    const { clock, signal, wake } = this.#options;
    const abort = new AbortController();
    const failures = same ? (before?.failures ?? 0) : 0;
    this.#entries.set(key, { submission: { kind, operationId }, failures, abort });
    const cancelTimer = clock.after(timeoutMs, () => abort.abort(new Error(`not done within ${timeoutMs} ms`)));
    const ended = (result: Result): void => {
      cancelTimer();
      const current = this.#entries.get(key);
      if (current?.abort !== abort || signal.aborted) return;
      const attempts = result.kind === 'failed' ? failures + 1 : failures;
      const at = clock.now();
      const submission: Submission =
        result.kind === 'failed' ? { ...result, operationId, at, attempts } : { ...result, operationId };
      this.#entries.set(key, { ...current, submission, failures: attempts });
      wake(key);
    };
    work(AbortSignal.any([abort.signal, signal])).then(ended, (error: unknown) => ended(failureOf(error, kind)));
  }

  async #bring(upload: JarUpload, flink: FlinkCluster, signal: AbortSignal): Promise<Result> {
    const source = new Source(upload, this.#options.fetch, signal);
    const answer = await flink.uploadJar(
      { name: upload.name, bytes: await source.open() },
      { timeoutMs: upload.timeoutMs, signal },
    );
    // What went wrong at the source is the reason, whatever the connection to Flink made of it.
    if (source.error !== undefined) {
      if (answer.kind === 'ok') await flink.deleteJar(answer.value, { timeoutMs: upload.timeoutMs, signal });
      return failureOf(source.error, 'uploading');
    }
    if (answer.kind === 'ok') return { kind: 'uploaded', jarId: answer.value };
    return { kind: 'failed', stage: 'upload', certain: true, message: `Flink did not take the jar: ${answer.message}` };
  }

  async #turn(): Promise<void> {
    if (this.#uploads < MAX_UPLOADS) this.#uploads += 1;
    else await new Promise<void>((resolve) => this.#turns.push(resolve));
  }

  /** Hands the turn over to whoever waits longest. */
  #pass(): void {
    const next = this.#turns.shift();
    if (next === undefined) this.#uploads -= 1;
    else next();
  }
}

type Result =
  | { readonly kind: 'uploaded'; readonly jarId: string }
  | { readonly kind: 'accepted' }
  | Pick<FailedSubmission, 'kind' | 'stage' | 'certain' | 'message'>;

/** The bytes of a jar, and what went wrong with them. */
class Source {
  error: unknown;
  readonly #upload: JarUpload;
  readonly #fetch: ArtifactFetcher;
  readonly #signal: AbortSignal;

  constructor(upload: JarUpload, fetch: ArtifactFetcher, signal: AbortSignal) {
    this.#upload = upload;
    this.#fetch = fetch;
    this.#signal = signal;
  }

  async open(): Promise<AsyncIterable<Uint8Array>> {
    const { uri, access } = this.#upload;
    if (uri === undefined) return once(emptyJar());
    return this.#noting(await this.#fetch({ uri, access, signal: this.#signal }));
  }

  async *#noting(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
    } catch (error) {
      this.error = error;
      throw error;
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Flink refuses an id that it knows, whether that job runs or has ended: then an earlier request was the one. */
function isKnownJob(answer: Answer<string>): boolean {
  return answer.kind === 'rejected' && answer.message.includes('DuplicateJobSubmissionException');
}

function failureOf(error: unknown, kind: 'uploading' | 'running'): Result {
  const stage = kind === 'uploading' ? 'upload' : 'run';
  const certain = kind === 'uploading';
  if (error instanceof ArtifactError) {
    return { kind: 'failed', stage, certain, message: `${error.message} ${error.nextStep} [${error.code}]` };
  }
  const message = error instanceof Error ? error.message : 'The submission failed.';
  return { kind: 'failed', stage, certain, message };
}
