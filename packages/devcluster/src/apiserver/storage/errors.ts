export type StoreErrorCode =
  | 'E_STORE_LOCKED'
  | 'E_STORE_FULL'
  | 'E_STORE_CORRUPT'
  | 'E_STORE_UNAVAILABLE'
  | 'E_STORE_VERSION';

const NEXT_STEPS: Readonly<Record<StoreErrorCode, string>> = {
  E_STORE_LOCKED: 'Stop that one (drey down), or choose another data directory.',
  E_STORE_FULL: 'Free some space and try again; what was written before is safe, and reads go on.',
  E_STORE_CORRUPT: 'Restore the file from a copy, or start with another data directory.',
  E_STORE_UNAVAILABLE: 'Check that the directory exists and may be written, or choose another data directory.',
  E_STORE_VERSION: 'Use that version, or another data directory.',
};

/** The durable copy cannot be used: what happened (`message`) and what to do (`nextStep`). Nothing was half-written. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly nextStep: string;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
    this.nextStep = NEXT_STEPS[code];
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
/** The file system's own words for a disk, a quota or a limit that is used up. */
const FULL = ['ENOSPC', 'EDQUOT', 'EFBIG'];

/** What a failure of SQLite or of the file system at `path` means to the user. */
export function storeError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const { errcode, code } = (error ?? {}) as { readonly errcode?: unknown; readonly code?: unknown };
  const number = typeof errcode === 'number' ? errcode & 0xff : 0;
  if (number === SQLITE_BUSY || number === SQLITE_LOCKED) {
    return new StoreError('E_STORE_LOCKED', `${path} is in use by another instance`, error);
  }
  if (number === SQLITE_FULL || (typeof code === 'string' && FULL.includes(code))) {
    return new StoreError('E_STORE_FULL', `the disk that holds ${path} is full, and nothing was written`, error);
  }
  if (number === SQLITE_CORRUPT || number === SQLITE_NOTADB) {
    return new StoreError('E_STORE_CORRUPT', `${path} is not a readable store`, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreError('E_STORE_UNAVAILABLE', `${path} cannot be used: ${reason}`, error);
}
