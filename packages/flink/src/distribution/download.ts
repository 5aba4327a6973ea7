import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FlinkError } from '../errors.ts';
import type { ReportProgress } from './progress.ts';
import type { DistributionSystem } from './system.ts';

/** A source that does not answer within this time is out of reach. */
export const ANSWER_TIMEOUT_MS = 5_000;
const REPORT_EVERY_BYTES = 1 << 20;
/** How often a download is continued after the connection broke. */
const MAX_ATTEMPTS = 5;
const MAX_BYTES = 4 * 1024 ** 3;

/** A source cannot be reached or does not have the file: the next source is tried. */
export class SourceUnavailable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'SourceUnavailable';
  }
}

/** Reads a small text from a web server. Throws {@link SourceUnavailable}. */
export async function downloadText(system: DistributionSystem, url: string, signal?: AbortSignal): Promise<string> {
  const response = await start(system, url, 0, signal);
  if (response.status !== 200) throw new SourceUnavailable(`${url} answers ${response.status}`);
  let text = '';
  for await (const chunk of response.body) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.length > 64 * 1024) throw new SourceUnavailable(`${url} is not a checksum file`);
  }
  return text;
}

/**
 * Downloads a file whose sha512 is known, continuing one that was interrupted (`<target>.part`). The file appears under
 * `target` only when its checksum is right. Throws {@link SourceUnavailable}, or `E_FLINK_CHECKSUM` when the content differs
 * from what was published.
 */
export async function downloadVerified(
  system: DistributionSystem,
  request: { readonly url: string; readonly target: string; readonly sha512: string; readonly signal?: AbortSignal },
  report: ReportProgress,
): Promise<void> {
  const { url, target, sha512, signal } = request;
  if ((await hashFile(target, 'sha512')) === sha512) return;
  const part = `${target}.part`;
  await mkdir(dirname(target), { recursive: true });
  const piece = { url, part, ...(signal === undefined ? {} : { signal }) };
  for (let attempt = 1; (await fetchInto(system, piece, report)) === 'broken-off'; attempt += 1) {
    if (attempt === MAX_ATTEMPTS) throw new SourceUnavailable(`${url} broke off ${MAX_ATTEMPTS} times`);
    report({ kind: 'step', text: 'the connection broke, continuing' });
  }
  const actual = await hashFile(part, 'sha512');
  if (actual !== sha512) {
    await rm(part, { force: true });
    throw new FlinkError(
      'E_FLINK_CHECKSUM',
      `The file from ${url} has the sha512 ${actual ?? 'of nothing'}, published is ${sha512}`,
      'Try again; if it happens again, the download is tampered with or the mirror is broken: use another source.',
    );
  }
  await rename(part, target);
}

/** Appends what is missing to the part; a connection that breaks is no failure, the part keeps what came. */
async function fetchInto(
  system: DistributionSystem,
  request: { readonly url: string; readonly part: string; readonly signal?: AbortSignal },
  report: ReportProgress,
): Promise<'complete' | 'broken-off'> {
  const { url, part, signal } = request;
  const have = (await stat(part).catch(() => undefined))?.size ?? 0;
  const response = await start(system, url, have, signal);
  if (response.status === 416) return 'complete';
  if (response.status !== 200 && response.status !== 206) {
    throw new SourceUnavailable(`${url} answers ${response.status}`);
  }
  const from = response.status === 206 ? have : 0;
  const total = response.contentLength === undefined ? undefined : from + response.contentLength;
  const file = await open(part, from > 0 ? 'a' : 'w');
  let done = from;
  let reported = done;
  const chunks = response.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const next = await chunks.next().catch(() => undefined);
      signal?.throwIfAborted();
      if (next === undefined) return 'broken-off';
      if (next.done) return total === undefined || done >= total ? 'complete' : 'broken-off';
      await file.write(next.value);
      done += next.value.byteLength;
      if (done > MAX_BYTES) throw new SourceUnavailable(`${url} is larger than ${MAX_BYTES} bytes`);
      if (done - reported < REPORT_EVERY_BYTES && done !== total) continue;
      reported = done;
      report({ kind: 'bytes', text: 'downloading', done, total });
    }
  } finally {
    await file.close();
  }
}

async function start(system: DistributionSystem, url: string, from: number, signal: AbortSignal | undefined) {
  try {
    return await system.download(url, {
      from,
      timeoutMs: ANSWER_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new SourceUnavailable(`${url} is out of reach (${innermostMessage(error)})`);
  }
}

function innermostMessage(error: unknown): string {
  let at = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  return at instanceof Error ? at.message : String(at);
}

/** The hexadecimal digest of a file, or undefined when there is none. */
export async function hashFile(path: string, algorithm: 'sha256' | 'sha512'): Promise<string | undefined> {
  const hash: Hash = createHash(algorithm);
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
