import { type Connection, freshName } from './connection.ts';

/** What the parts of the contract share: a connection, which is there when the first test runs, and a namespace. */
export class ContractScope {
  readonly ns = freshName('contract');
  readonly maps = `/api/v1/namespaces/${this.ns}/configmaps`;
  readonly deployments = `/apis/apps/v1/namespaces/${this.ns}/deployments`;
  readonly pods = `/api/v1/namespaces/${this.ns}/pods`;
  #connection: Connection | undefined;

  connected(connection: Connection): void {
    this.#connection = connection;
  }

  get c(): Connection {
    if (this.#connection === undefined) throw new Error('there is no connection yet');
    return this.#connection;
  }
}

export const map = (n: string, data: Record<string, string> = { a: '1' }, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: n, ...more },
  data,
});

export const deployment = (n: string, image = 'x:1'): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: n },
  spec: {
    selector: { matchLabels: { app: n } },
    template: { metadata: { labels: { app: n } }, spec: { containers: [{ name: 'main', image }] } },
  },
});
