const NEWLINE = 10;

/**
 * Splits a byte stream into lines without the newline; empty lines are skipped.
 *
 * Guarantees: multi-byte characters split across chunks come out whole; memory is bounded by `maxBytes` per line.
 * Failure: throws `onTooLong()` for a longer line, and `onPartial()` when the stream ends in the middle of one.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  limits: { maxBytes: number; onTooLong: () => Error; onPartial: () => Error },
): AsyncGenerator<string> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = buffer.indexOf(NEWLINE, start); end >= 0; end = buffer.indexOf(NEWLINE, start)) {
      const line = held.length === 0 ? buffer.toString('utf8', start, end) : joined(held, buffer.subarray(start, end));
      if (heldBytes + end - start > limits.maxBytes) throw limits.onTooLong();
      held = [];
      heldBytes = 0;
      start = end + 1;
      if (line.length > 0) yield line;
    }
    if (start < buffer.length) {
      held.push(buffer.subarray(start));
      heldBytes += buffer.length - start;
      if (heldBytes > limits.maxBytes) throw limits.onTooLong();
    }
  }
  if (held.length > 0) throw limits.onPartial();
}

function joined(held: readonly Buffer[], last: Buffer): string {
  return Buffer.concat([...held, last]).toString('utf8');
}
