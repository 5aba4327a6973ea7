import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '@drey/kube';
import type { LogOptions } from '../apiserver/contract.ts';

export interface LogLimits {
  /** A file is rotated when it grows beyond this; one rotated file is kept. */
  readonly maxFileBytes: number;
}

export const DEFAULT_LOG_LIMITS: LogLimits = { maxFileBytes: 10 * 1024 * 1024 };

/** A longer line is cut into several entries. */
const MAX_LINE_BYTES = 16 * 1024;
const READ_CHUNK_BYTES = 64 * 1024;

/**
 * The output of one container instance, kept line by line in the format that kubelets use
 * (`<time> <stream> <F|P> <text>`), so that it can be read with times after the cluster was restarted.
 * Bounded: the current file and one rotated file. Readers that follow survive a rotation.
 */
export class ContainerLog {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #limits: LogLimits;
  readonly #partial = { stdout: EMPTY, stderr: EMPTY };
  readonly #readers = new Set<() => void>();
  #fd: number | undefined;
  /** Position of the current file's first byte among everything written since the oldest byte kept. */
  #base: number;
  #size: number;

  private constructor(path: string, clock: Clock, limits: LogLimits, writable: boolean) {
    this.#path = path;
    this.#clock = clock;
    this.#limits = limits;
    if (writable) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      this.#fd = openSync(path, 'a', 0o600);
    }
    this.#base = sizeOf(`${path}.1`);
    this.#size = sizeOf(path);
  }

  static create(path: string, clock: Clock, limits: LogLimits = DEFAULT_LOG_LIMITS): ContainerLog {
    return new ContainerLog(path, clock, limits, true);
  }

  /** The log of a container that ended before this process started. Undefined when there is none. */
  static openEnded(path: string, clock: Clock): ContainerLog | undefined {
    return existsSync(path) ? new ContainerLog(path, clock, DEFAULT_LOG_LIMITS, false) : undefined;
  }

  write(stream: 'stdout' | 'stderr', chunk: Uint8Array): void {
    if (this.#fd === undefined) return;
    const data = Buffer.concat([this.#partial[stream], chunk]);
    const entries: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
      entries.push(...this.#entries(stream, data.subarray(start, end), true));
      start = end + 1;
    }
    let rest = data.subarray(start);
    while (rest.length >= MAX_LINE_BYTES) {
      entries.push(this.#entry(stream, rest.subarray(0, MAX_LINE_BYTES), false));
      rest = rest.subarray(MAX_LINE_BYTES);
    }
    this.#partial[stream] = Buffer.from(rest);
    if (entries.length > 0) this.#append(Buffer.concat(entries));
  }

  /** Writes what is left of unfinished lines and ends readers that follow. */
  close(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#partial[stream];
      if (rest.length > 0) this.#append(this.#entry(stream, rest, true));
      this.#partial[stream] = EMPTY;
    }
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#wakeReaders();
  }

  /** The last lines as text, for the message of a failed container. */
  tail(maxLines: number, maxBytes: number): string {
    const from = this.#startOfTail(maxLines);
    const text = [...this.#entriesFrom(from)].map((entry) => entry.text.toString('utf8')).join('');
    return text.length > maxBytes ? text.slice(-maxBytes) : text;
  }

  async *read(options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let at = options.tailLines === undefined ? 0 : this.#startOfTail(options.tailLines);
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    const since = sinceMs(options, this.#clock.now());
    while (!signal.aborted && left > 0) {
      const before = at;
      const closed = this.#fd === undefined;
      const parts: Buffer[] = [];
      for (const entry of this.#entriesFrom(at, READ_CHUNK_BYTES)) {
        at = entry.end;
        if (entry.timeMs < since) continue;
        parts.push(options.timestamps ? Buffer.concat([Buffer.from(`${entry.time} `), entry.text]) : entry.text);
      }
      const data = Buffer.concat(parts).subarray(0, left === Number.POSITIVE_INFINITY ? undefined : left);
      left -= data.length;
      if (data.length > 0) yield data;
      if (at !== before) continue;
      if (closed || !options.follow) return;
      await this.#change(signal);
    }
  }

  #entries(stream: string, line: Buffer, full: boolean): Buffer[] {
    const entries: Buffer[] = [];
    let rest = line;
    while (rest.length > MAX_LINE_BYTES) {
      entries.push(this.#entry(stream, rest.subarray(0, MAX_LINE_BYTES), false));
      rest = rest.subarray(MAX_LINE_BYTES);
    }
    entries.push(this.#entry(stream, rest, full));
    return entries;
  }

  #entry(stream: string, text: Buffer, full: boolean): Buffer {
    const time = new Date(this.#clock.now()).toISOString().replace('Z', '000000Z');
    return Buffer.concat([Buffer.from(`${time} ${stream} ${full ? 'F' : 'P'} `), text, NEWLINE]);
  }

  #append(data: Buffer): void {
    if (this.#fd === undefined) return;
    if (this.#size > 0 && this.#size + data.length > this.#limits.maxFileBytes) this.#rotate();
    writeSync(this.#fd, data);
    this.#size += data.length;
    this.#wakeReaders();
  }

  #rotate(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    renameSync(this.#path, `${this.#path}.1`);
    this.#fd = openSync(this.#path, 'a', 0o600);
    this.#base += this.#size;
    this.#size = 0;
  }

  #wakeReaders(): void {
    for (const wake of [...this.#readers]) wake();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#readers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#readers.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Position of the first of the last `lines` lines. */
  #startOfTail(lines: number): number {
    const starts: number[] = [];
    let first = true;
    for (const entry of this.#entriesFrom(0)) {
      if (first) starts.push(entry.start);
      first = entry.full;
      if (starts.length > lines) starts.shift();
    }
    return lines === 0 ? this.#base + this.#size : (starts[0] ?? 0);
  }

  /** Complete entries from a position on; at least one when there is one, then up to `limit` bytes. */
  *#entriesFrom(position: number, limit = Number.POSITIVE_INFINITY): Iterable<LogEntry> {
    let at = position;
    let taken = 0;
    while (taken < limit) {
      const piece = this.#bytesAt(at);
      if (piece === undefined) return;
      at = piece.start;
      let from = 0;
      for (let end = piece.data.indexOf(10); end >= 0; end = piece.data.indexOf(10, from)) {
        yield parseEntry(piece.data.subarray(from, end + 1), at + from, at + end + 1);
        from = end + 1;
      }
      if (from === 0) return;
      at += from;
      taken += from;
    }
  }

  /** Bytes of the file that holds `position`; jumps forward when they were rotated away. */
  #bytesAt(position: number): { start: number; data: Buffer } | undefined {
    const rotated = sizeOf(`${this.#path}.1`);
    const oldest = this.#base - rotated;
    const start = Math.max(position, oldest);
    const inRotated = start < this.#base;
    const end = inRotated ? this.#base : this.#base + this.#size;
    if (start >= end) return undefined;
    const path = inRotated ? `${this.#path}.1` : this.#path;
    const data = readAt(path, start - (inRotated ? oldest : this.#base), Math.min(end - start, READ_CHUNK_BYTES));
    return data.length === 0 ? undefined : { start, data };
  }
}

interface LogEntry {
  readonly start: number;
  readonly end: number;
  readonly time: string;
  readonly timeMs: number;
  readonly full: boolean;
  /** With its newline, unless the line goes on in the next entry. */
  readonly text: Buffer;
}

const EMPTY = Buffer.alloc(0);
const NEWLINE = Buffer.from('\n');

function parseEntry(line: Buffer, start: number, end: number): LogEntry {
  const header = /^(\S+) (?:stdout|stderr) ([FP]) /.exec(line.subarray(0, 64).toString('latin1'));
  const time = header?.[1] ?? '';
  const full = header?.[2] !== 'P';
  const text = line.subarray(header?.[0].length ?? 0, full ? undefined : -1);
  return { start, end, time, timeMs: Date.parse(time.replace(/(\.\d{3})\d+Z$/, '$1Z')), full, text };
}

function sinceMs(options: LogOptions, now: number): number {
  if (options.sinceTime !== undefined) return Date.parse(options.sinceTime);
  return options.sinceSeconds === undefined ? Number.NEGATIVE_INFINITY : now - options.sinceSeconds * 1000;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readAt(path: string, position: number, length: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const wanted = Math.min(length, Math.max(0, fstatSync(fd).size - position));
    const data = Buffer.alloc(wanted);
    return data.subarray(0, readSync(fd, data, 0, wanted, position));
  } finally {
    closeSync(fd);
  }
}
