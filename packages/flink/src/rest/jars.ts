import { asObject, BadAnswer, list, number, optionalText, text } from './reader.ts';

/** A jar that was uploaded to a session cluster. */
export interface UploadedJar {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly uploaded: number;
  /** Main classes that the manifest names. */
  readonly entryClasses: readonly string[];
}

/** `GET /jars`. */
export function parseJars(json: unknown): UploadedJar[] {
  return list(asObject(json, 'the jars'), 'files', (from) => ({
    id: text(from, 'id'),
    name: text(from, 'name'),
    uploaded: number(from, 'uploaded'),
    entryClasses: list(from, 'entry', (entry) => optionalText(entry, 'name') ?? ''),
  }));
}

/** `POST /jars/upload`: the id of the jar is the last part of the path it was stored under. */
export function parseUpload(json: unknown): string {
  const id = text(asObject(json, 'the upload'), 'filename').split('/').at(-1);
  if (id === undefined || id === '') throw new BadAnswer('filename is no path');
  return id;
}

/** `POST /jars/:jarid/run`: the id of the job. */
export function parseRun(json: unknown): string {
  return text(asObject(json, 'the run'), 'jobid');
}
