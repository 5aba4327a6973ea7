/** Lines of progress with the time since the start: `  3.2s  JobManager answers`. Data goes to stdout, progress to stderr. */
export class Steps {
  readonly #started = performance.now();
  #last = 0;
  readonly #write: (text: string) => void;
  readonly entries: { readonly what: string; readonly seconds: number; readonly sinceLast: number }[] = [];

  constructor(write: (text: string) => void = (text) => process.stderr.write(text)) {
    this.#write = write;
  }

  get elapsedSeconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Reports that something is done. */
  done(what: string): void {
    const seconds = this.elapsedSeconds;
    this.entries.push({ what, seconds, sinceLast: seconds - this.#last });
    this.#last = seconds;
    this.#write(`${seconds.toFixed(1).padStart(7)}s  ${what}\n`);
  }

  /** A line that is no step of its own. */
  note(text: string): void {
    this.#write(`          ${text}\n`);
  }
}
