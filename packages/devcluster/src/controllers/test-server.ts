import { generateKeyPairSync } from 'node:crypto';
import { type AnyObject, createKubeClient } from '@drey/kube';
import { SeededRandom, VirtualClock } from '@drey/kube/testing';
import { MASTERS_GROUP } from '../apiserver/auth/rbac.ts';
import { inProcessTransport } from '../apiserver/front/in-process.ts';
import { createStandardServer } from '../apiserver/front/standard-server.ts';
import { ObjectStore } from '../apiserver/storage/index.ts';

/** A server in memory with the two controllers that read its store, on virtual time, for their tests. */
export interface TestServer {
  readonly clock: VirtualClock;
  /** What failed in the server and in passes of the controllers. */
  readonly failures: readonly unknown[];
  send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<AnyObject>;
  /** An object, read past the API; undefined when it is not there. */
  read(key: string, namespace: string, name: string): AnyObject | undefined;
  /** The name of the object whose removal from the store fails. */
  stuck: string | undefined;
  stop(): Promise<void>;
}

const { privateKey: tokenKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

export async function startTestServer(): Promise<TestServer> {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const store = new ObjectStore({ clock });
  const failures: unknown[] = [];
  const remove = store.remove.bind(store);
  const standard = await createStandardServer({
    store,
    clock,
    random,
    tokenKey,
    tokens: [],
    anonymous: false,
    serviceAccountAdmission: false,
    onControllerFailure: (_, error) => failures.push(error),
  });
  const transport = inProcessTransport(standard.server.handle, { name: 'admin', groups: [MASTERS_GROUP] });
  const client = createKubeClient({ transport, clock, random, fieldManager: 'test', userAgent: 'test' });
  const made: TestServer = {
    clock,
    failures,
    stuck: undefined,
    send: (method, path, body) => client.raw(method, path, body),
    read: (key, namespace, name) => store.get(key, namespace, name)?.object,
    async stop() {
      await transport.close();
      await standard.stop();
    },
  };
  store.remove = (record) => {
    if (record.name === made.stuck) throw new Error('the disk is full');
    return remove(record);
  };
  return made;
}
