import { connect, createServer, type Server, type Socket } from 'node:net';
import { Pod, Service } from '@drey/kube';
import { backendsOf, targetPort } from '../controllers/endpoint-plan.ts';
import type { Informers } from '../informers.ts';
import type { ServiceAddresses } from './hosts-file.ts';

export interface ServiceProxyOptions {
  readonly informers: Informers;
  /** Where node ports are. */
  readonly nodeAddress: string;
  /** Whether an address may be listened on: the cluster's own Service block inside 127/8. */
  isLocal(address: string): boolean;
  /** Names changed: for the pods' hosts files. */
  changed(services: readonly ServiceAddresses[]): void;
  /** A Service port cannot be listened on. */
  failed(service: Service, port: number, error: Error): void;
}

interface Listener {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  /** Of the Service it was made for; a namesake made later gets its own. */
  readonly uid: string | undefined;
  readonly port: number;
}

interface Wanted {
  readonly service: Service;
  /** Of the Service. */
  readonly port: number;
  readonly at: { readonly host: string; readonly port: number };
}

/**
 * Makes Services reachable: for each port of a Service with a cluster address, a TCP forwarder on that very address to the
 * ready pods in turn. Headless Services have no forwarder; their names stand for the pods' addresses.
 * Costs nothing for Services that nobody calls; bytes are handed over without being looked at.
 */
export class ServiceProxy {
  readonly #options: ServiceProxyOptions;
  readonly #services;
  readonly #pods;
  readonly #listeners = new Map<string, Listener>();
  #turn = 0;
  #scheduled = false;
  #stopped = false;
  #names = '';

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.#services = options.informers.of(Service);
    this.#pods = options.informers.of(Pod);
  }

  start(): void {
    this.#services.onChange(() => this.#schedule());
    this.#pods.onChange(() => this.#schedule());
  }

  stop(): void {
    this.#stopped = true;
    for (const key of [...this.#listeners.keys()]) this.#close(key);
  }

  /** Many changes come together (a relist, a rollout): they are taken in once. */
  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#update();
    });
  }

  #update(): void {
    const services = this.#services.list();
    const wanted = new Map<string, Wanted>();
    for (const service of services)
      for (const one of this.#wantedOf(service)) wanted.set(`${one.at.host}:${one.at.port}`, one);
    for (const [key, { uid, port }] of [...this.#listeners]) {
      const still = wanted.get(key);
      if (still === undefined || still.service.metadata.uid !== uid || still.port !== port) this.#close(key);
    }
    for (const [key, one] of wanted) if (!this.#listeners.has(key)) this.#listen(key, one);
    this.#announce(services);
  }

  #announce(services: readonly Service[]): void {
    const names = services.map((service) => this.#addressesOf(service)).filter((entry) => entry.addresses.length > 0);
    names.sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
    const text = JSON.stringify(names);
    if (text === this.#names) return;
    this.#names = text;
    this.#options.changed(names);
  }

  /**
   * A headless Service stands for its ready pods. While none is ready it stands for those that are not: a JobManager has to
   * find its own name while it starts.
   */
  #addressesOf(service: Service): ServiceAddresses {
    const { namespace = '', name = '' } = service.metadata;
    const address = service.spec?.clusterIP;
    if (address !== undefined && address !== 'None' && address !== '') return { namespace, name, addresses: [address] };
    const backends = backendsOf(service, this.#pods.list(namespace)).filter((backend) => !backend.terminating);
    const ready = backends.filter((backend) => backend.ready);
    return { namespace, name, addresses: (ready.length > 0 ? ready : backends).map((backend) => backend.address) };
  }

  /** Every TCP port on the cluster address, and its node port on the node's. */
  #wantedOf(service: Service): Wanted[] {
    const host = service.spec?.clusterIP;
    if (host === undefined || !this.#options.isLocal(host)) return [];
    const ports = (service.spec?.ports ?? []).filter((port) => (port.protocol ?? 'TCP') === 'TCP');
    return ports.flatMap(({ port, nodePort }) => [
      { service, port, at: { host, port } },
      ...(nodePort === undefined ? [] : [{ service, port, at: { host: this.#options.nodeAddress, port: nodePort } }]),
    ]);
  }

  #listen(key: string, { service, port, at }: Wanted): void {
    const { namespace, name = '', uid } = service.metadata;
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      this.#forward(socket, namespace, name, port);
    });
    server.on('error', (error) => {
      this.#listeners.delete(key);
      this.#options.failed(service, at.port, error);
    });
    server.listen(at.port, at.host);
    this.#listeners.set(key, { server, sockets, uid, port });
  }

  #forward(socket: Socket, namespace: string | undefined, name: string, port: number): void {
    socket.on('error', () => socket.destroy());
    const target = this.#pick(namespace, name, port);
    if (target === undefined) {
      socket.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    socket.pipe(upstream);
    upstream.pipe(socket);
  }

  #pick(namespace: string | undefined, name: string, port: number): { host: string; port: number } | undefined {
    const service = this.#services.get(namespace, name);
    const servicePort = service?.spec?.ports?.find((p) => p.port === port);
    if (service === undefined || servicePort === undefined) return undefined;
    const targets = backendsOf(service, this.#pods.list(namespace))
      .filter((backend) => backend.ready)
      .map((backend) => ({ host: backend.address, port: targetPort(servicePort, backend.pod) }))
      .filter((target): target is { host: string; port: number } => target.port !== undefined);
    this.#turn++;
    return targets[this.#turn % Math.max(1, targets.length)];
  }

  #close(key: string): void {
    const listener = this.#listeners.get(key);
    this.#listeners.delete(key);
    listener?.server.close();
    for (const socket of listener?.sockets ?? []) socket.destroy();
  }
}
