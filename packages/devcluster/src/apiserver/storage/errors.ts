export type StoreErrorCode =
  | 'E_STORE_LOCKED'
  | 'E_STORE_FULL'
  | 'E_STORE_CORRUPT'
  | 'E_STORE_UNAVAILABLE'
  | 'E_STORE_VERSION';

/** The durable copy cannot be used; the message says what happened and what to do next. Nothing was half-written. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.code = code;
  }
}
