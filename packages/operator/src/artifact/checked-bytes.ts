import { createHash } from 'node:crypto';
import { ArtifactError } from './artifact.ts';
import type { ArtifactUri } from './artifact-uri.ts';

/** Passes bytes on and breaks off when there are too many; at the end the checksum has to be right. */
export async function* checkedBytes(
  bytes: AsyncIterable<Uint8Array>,
  { checksum, shown }: Pick<ArtifactUri, 'checksum' | 'shown'>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const hash = checksum === undefined ? undefined : createHash(checksum.algorithm);
  let size = 0;
  for await (const piece of bytes) {
    size += piece.byteLength;
    if (size > maxBytes) throw tooLarge(shown, maxBytes);
    hash?.update(piece);
    yield piece;
  }
  const actual = hash?.digest('hex');
  if (actual !== checksum?.hex) {
    throw new ArtifactError(
      'E_ARTIFACT_CHECKSUM',
      `The ${checksum?.algorithm} of ${shown} is ${actual}, not the one in job.jarURI.`,
    );
  }
}

/** The error for a jar that is known to be too large. */
export function tooLarge(shown: string, maxBytes: number): ArtifactError {
  return new ArtifactError('E_ARTIFACT_TOO_LARGE', `${shown} is larger than the ${maxBytes} bytes that are allowed.`);
}
