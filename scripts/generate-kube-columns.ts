import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * Makes the table of printer columns of built-in kinds: `generate-kube-columns.ts SERVER TOKEN`, for example with
 * `https://127.0.0.1:6443`. Asks a kube-apiserver for the (usually empty) list of every resource as a Table and keeps the
 * column definitions. Run with NODE_TLS_REJECT_UNAUTHORIZED=0 against a server with a certificate of its own.
 */

const OUTPUT = join(import.meta.dirname, '../packages/devcluster/src/apiserver/table/columns.generated.json.gz');

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

async function main(server: string | undefined, token: string | undefined): Promise<void> {
  if (server === undefined || token === undefined) throw new Error('usage: generate-kube-columns.ts SERVER TOKEN');
  const get = async <T>(path: string, accept: string): Promise<T> => {
    const answer = await fetch(`${server}${path}`, { headers: { authorization: `Bearer ${token}`, accept } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const groups = await get<{ groups: { name: string; versions: { groupVersion: string }[] }[] }>(
    '/apis',
    'application/json',
  );
  const roots = ['/api/v1', ...groups.groups.flatMap(({ versions }) => versions.map((v) => `/apis/${v.groupVersion}`))];
  const columns: Record<string, readonly Column[]> = {};
  for (const root of roots) {
    const list = await get<ResourceList>(root, 'application/json');
    for (const { name, verbs } of list.resources) {
      if (name.includes('/') || !verbs.includes('list')) continue;
      const table = await get<{ columnDefinitions: Column[] }>(
        `${root}/${name}?limit=1`,
        'application/json;as=Table;v=v1;g=meta.k8s.io',
      );
      columns[`${list.groupVersion}/${name}`] = table.columnDefinitions;
    }
  }
  const text = JSON.stringify(columns);
  writeFileSync(OUTPUT, gzipSync(text, { level: 9 }));
  process.stdout.write(`${Object.keys(columns).length} resources, ${text.length} characters\n`);
}

await main(process.argv[2], process.argv[3]);
