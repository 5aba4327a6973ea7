/** A text is no URI; the message says why, and where. */
export class UriTextError extends Error {}

/** The text of a URI, looked at from left to right. Places are those of UTF-16 code units, as in Java. */
export class UriText {
  readonly input: string;

  constructor(input: string) {
    this.input = input;
  }

  /** The place of the first of some characters, `end` where there is none. */
  find(start: number, stops: string, end = this.input.length): number {
    let at = start;
    while (at < end && !stops.includes(this.input[at] ?? '')) at += 1;
    return at;
  }

  /**
   * The place behind the characters of a class, which is written as in a regular expression. With `escapes` also behind
   * `%20` and the like and behind visible characters outside of ASCII. Throws for an incomplete escape.
   */
  scan(start: number, end: number, characters: string, escapes?: 'escapes'): number {
    const known = new RegExp(`[${characters}]`);
    let at = start;
    while (at < end) {
      const char = this.input[at] ?? '';
      if (known.test(char)) at += 1;
      else if (escapes !== undefined && char === '%') at = this.#escape(at, end);
      else if (escapes !== undefined && isVisible(char)) at += 1;
      else break;
    }
    return at;
  }

  /** Throws unless a part consists of characters of a class. */
  check(start: number, end: number, characters: string, part: string, escapes?: 'escapes'): void {
    const at = this.scan(start, end, characters, escapes);
    if (at < end) throw this.failure(`Illegal character in ${part}`, at);
  }

  failure(reason: string, at?: number): UriTextError {
    return new UriTextError(at === undefined ? reason : `${reason} at index ${at}`);
  }

  expected(what: string, at: number): UriTextError {
    return this.failure(`Expected ${what}`, at);
  }

  #escape(at: number, end: number): number {
    if (at + 3 <= end && /^%[0-9A-Fa-f]{2}$/.test(this.input.slice(at, at + 3))) return at + 3;
    throw this.failure('Malformed escape pair', at);
  }
}

/** Characters outside of ASCII that are neither blank nor control characters. */
function isVisible(char: string): boolean {
  return char > '\u0080' && !/[\p{Z}\u0080-\u009f]/u.test(char);
}
