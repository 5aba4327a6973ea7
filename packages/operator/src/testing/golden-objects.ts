import type { KubeObject } from '@drey/kube';
import { parseAllDocuments } from 'yaml';

/** The objects of a recorded YAML file, whether it holds documents, a list, or nothing. */
export function objectsIn<T extends KubeObject = KubeObject>(text: string): T[] {
  const all = parseAllDocuments(text).flatMap((document) => {
    const value = document.toJS() as { items?: T[] } | T[] | T | null;
    if (value === null) return [];
    if (Array.isArray(value)) return value;
    return 'items' in value && value.items !== undefined ? value.items : [value as T];
  });
  return all.filter((one) => typeof one?.metadata === 'object');
}
