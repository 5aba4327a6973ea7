/** A spec holds what its kind does not allow; the message names the member. */
export class SpecFormatError extends Error {
  /** The member below `spec`, as `job.parallelism`. */
  readonly path: string;

  constructor(message: string, path = '') {
    super(message);
    this.path = path;
  }

  /** The same, said of the member `name` of which this was a part. */
  below(name: string): SpecFormatError {
    return new SpecFormatError(`${name}: ${this.message}`, this.path === '' ? name : `${name}.${this.path}`);
  }
}
