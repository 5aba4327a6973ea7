import type { KubeClient, ListOptions } from './client.ts';
import { isKubeError } from './errors.ts';
import type { KubeList, KubeObject, Resource } from './objects.ts';

/** Objects a page; client-go's and kubectl's size. */
export const PAGE_LIMIT = 500;

/**
 * Lists page by page.
 *
 * Guarantees: all pages of one run show the collection at one version. Pages are yielded as they come, so an early `break`
 * saves the rest.
 * Failure: E_KUBE_EXPIRED when the continue token outlived the server's history: what was yielded so far is then
 * incomplete, and the caller starts again.
 */
export async function* listPages<T extends KubeObject>(
  client: KubeClient,
  r: Resource<T>,
  o: Omit<ListOptions, 'continue'> = {},
): AsyncGenerator<KubeList<T>> {
  let page = await client.list(r, { limit: PAGE_LIMIT, ...o });
  yield page;
  while (page.metadata.continue) {
    // A continue token carries its version; the server refuses both together.
    const { resourceVersion: _, resourceVersionMatch: __, ...rest } = o;
    page = await client.list(r, { limit: PAGE_LIMIT, ...rest, continue: page.metadata.continue });
    yield page;
  }
}

/**
 * The whole collection at one version. When a continue token expires half-way, it lists once more in a single answer, which
 * cannot expire.
 */
export async function listAll<T extends KubeObject>(
  client: KubeClient,
  r: Resource<T>,
  o: Omit<ListOptions, 'continue'> = {},
): Promise<KubeList<T>> {
  try {
    const pages: KubeList<T>[] = [];
    for await (const page of listPages(client, r, o)) pages.push(page);
    const first = pages[0];
    if (first !== undefined && pages.length === 1) return first;
    const items = pages.flatMap((page) => page.items);
    const last = pages[pages.length - 1] ?? (await client.list(r, o));
    return { ...last, metadata: { resourceVersion: last.metadata.resourceVersion ?? '' }, items };
  } catch (error) {
    if (!isKubeError(error, 'E_KUBE_EXPIRED')) throw error;
    const { limit: _, ...rest } = o;
    return client.list(r, rest);
  }
}
