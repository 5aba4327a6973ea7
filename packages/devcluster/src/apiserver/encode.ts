import type { AnyObject } from '@drey/kube';
import type { Change } from './storage/index.ts';

const OPEN = Buffer.from('{');
const COMMA = Buffer.from(',');

/** What precedes the fields of a built-in object; list items are written without it. */
function head(object: AnyObject): string {
  return `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`;
}

/**
 * JSON of objects that do not change. Each object is written once, however many readers and watchers want it; the bytes
 * live as long as the object.
 */
export class Encoder {
  readonly #objects = new WeakMap<AnyObject, Buffer>();
  readonly #departed = new WeakMap<Change, AnyObject>();
  readonly #frames = new WeakMap<AnyObject, Map<Change['type'], Buffer>>();

  /** `kind` and `apiVersion` come first. */
  object(object: AnyObject): Buffer {
    const found = this.#objects.get(object);
    if (found !== undefined) return found;
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = object;
    const bytes = Buffer.from(head(object) + JSON.stringify(rest).slice(1));
    this.#objects.set(object, bytes);
    return bytes;
  }

  /** What watchers see of an object that left their selection: the old content with the version of the change. */
  departed(change: Change): AnyObject {
    let object = this.#departed.get(change);
    if (object === undefined) {
      const old = change.previous?.object ?? change.record.object;
      object = { ...old, metadata: { ...old.metadata, resourceVersion: String(change.record.revision) } };
      this.#departed.set(change, object);
    }
    return object;
  }

  /** One line of a watch stream. */
  event(type: Change['type'], object: AnyObject): Buffer {
    let frames = this.#frames.get(object);
    if (frames === undefined) {
      frames = new Map();
      this.#frames.set(object, frames);
    }
    let frame = frames.get(type);
    if (frame === undefined) {
      frame = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), this.object(object), Buffer.from('}\n')]);
      frames.set(type, frame);
    }
    return frame;
  }

  /** A list; items of built-in kinds do not repeat kind and apiVersion (`bare`). */
  list(
    envelope: { kind: string; apiVersion: string; metadata: object },
    items: readonly AnyObject[],
    bare: boolean,
  ): Buffer {
    const parts: Buffer[] = [Buffer.from(`${JSON.stringify(envelope).slice(0, -1)},"items":[`)];
    const [first] = items;
    // All items are of one kind: what precedes their fields is equally long.
    const skip = first === undefined ? 0 : Buffer.byteLength(head(first));
    for (const [index, item] of items.entries()) {
      if (index > 0) parts.push(COMMA);
      const bytes = this.object(item);
      if (bare) parts.push(OPEN, bytes.subarray(skip));
      else parts.push(bytes);
    }
    parts.push(Buffer.from(']}\n'));
    return Buffer.concat(parts);
  }
}
