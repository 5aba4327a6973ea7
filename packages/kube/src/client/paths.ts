import type { KubeObject, Resource } from './objects.ts';

/** Query parameters; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** `/api/v1/namespaces/NS/pods`, or without a namespace the collection of all of them. */
export function collectionPath(r: Resource<KubeObject>, namespace: string | undefined): string {
  const group = r.group === '' ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`;
  const scope =
    r.namespaced && namespace !== undefined && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${group}${scope}/${r.plural}`;
}

/** The path of one object, or of a subresource of it. */
export function objectPath(
  r: Resource<KubeObject>,
  namespace: string | undefined,
  name: string,
  subresource?: string,
): string {
  const path = `${collectionPath(r, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `path?a=1&b=2` with the defined parameters, in the order given. */
export function withQuery(path: string, query: Query): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) parts.push(`${key}=${encodeURIComponent(String(value))}`);
  }
  return parts.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${parts.join('&')}`;
}
