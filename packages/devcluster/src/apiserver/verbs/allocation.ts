import type { AnyObject } from '@drey/kube';
import { fieldsOf, listOf, numberOf, textOf, textsOf } from '../registry/rules/fields.ts';
import type { ServedResource } from '../registry/served.ts';
import { invalid } from '../status.ts';
import type { ObjectStore } from '../storage/index.ts';
import { invalidValue } from '../validation/field-errors.ts';

/** Addresses and ports that the server gives out. */
export interface Allocators {
  /**
   * Gives `object` what its kind needs (cluster IPs, node ports) and checks what it asks for. Mutates. The returned
   * function is called when the write is over; what was not stored by then is free again. Throws StatusError.
   */
  allocate(resource: ServedResource, object: AnyObject, old: AnyObject | undefined): () => void;
}

const SERVICES = '/services';
const FIRST_NODE_PORT = 30_000;
const LAST_NODE_PORT = 32_767;

/** What Services hold: known from the stored Services, and reserved while a write is under way. */
export class ServiceAllocators implements Allocators {
  readonly #network: number;
  readonly #size: number;
  readonly #addresses = new Map<string, number>();
  readonly #ports = new Map<number, number>();
  /** Where the search for a free address goes on: addresses are not used again at once. */
  #nextAddress = 0;
  #nextPort = 0;

  constructor(store: ObjectStore, cidr: string) {
    const [base = '10.0.0.0', bits = '16'] = cidr.split('/');
    this.#network = toNumber(base);
    this.#size = 2 ** (32 - Number(bits));
    for (const record of store.list(SERVICES, { namespace: undefined })) this.#count(record.object, 1);
    store.subscribe(SERVICES, ({ type, record, previous }) => {
      if (previous !== undefined) this.#count(previous.object, -1);
      if (type !== 'DELETED') this.#count(record.object, 1);
    });
  }

  allocate(resource: ServedResource, object: AnyObject, old: AnyObject | undefined): () => void {
    if (resource.storageKey !== SERVICES) return () => undefined;
    const held: AnyObject = { ...object, spec: {} };
    const release = (): void => this.#count(held, -1);
    try {
      this.#allocateAddress(resource, object, old, held);
      this.#allocatePorts(resource, object, old, held);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  #allocateAddress(resource: ServedResource, object: AnyObject, old: AnyObject | undefined, held: AnyObject): void {
    const spec = fieldsOf(object.spec);
    if (spec.type === 'ExternalName') {
      for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']) {
        delete spec[field];
      }
      return;
    }
    const asked = textOf(spec.clusterIP);
    const had = textOf(fieldsOf(old?.spec).clusterIP);
    if (asked !== had || asked === '') this.#takeAddress(resource, object, asked, held);
    // Nobody knows the addresses behind a headless Service without a selector.
    const isOpen = spec.clusterIP === 'None' && Object.keys(fieldsOf(spec.selector)).length === 0;
    spec.ipFamilyPolicy ??= isOpen ? 'RequireDualStack' : 'SingleStack';
    spec.ipFamilies ??= isOpen ? ['IPv4', 'IPv6'] : ['IPv4'];
    if (textsOf(spec.clusterIPs).length === 0) spec.clusterIPs = [spec.clusterIP];
  }

  #takeAddress(resource: ServedResource, object: AnyObject, asked: string, held: AnyObject): void {
    const spec = fieldsOf(object.spec);
    if (asked === 'None') return;
    const refuse = (why: string): Error =>
      invalid(resource.group, resource.kind, object.metadata.name ?? '', [
        invalidValue('spec.clusterIPs', spec.clusterIPs ?? [asked], why),
      ]);
    if (asked !== '') {
      const number = toNumber(asked);
      if (Number.isNaN(number)) return;
      if (number <= this.#network || number >= this.#network + this.#size - 1) {
        throw refuse(`failed to allocate IP ${asked}: the provided network does not match the current range`);
      }
      if (this.#addresses.has(asked)) throw refuse(`failed to allocate IP ${asked}: provided IP is already allocated`);
    }
    const address = asked === '' ? this.#freeAddress() : asked;
    if (address === undefined) throw refuse('failed to allocate a serviceIP: range is full');
    spec.clusterIP = address;
    spec.clusterIPs = [address];
    held.spec = { ...fieldsOf(held.spec), clusterIP: address };
    this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
  }

  #freeAddress(): string | undefined {
    // The first address is that of the API server itself; network and broadcast addresses are nobody's.
    const usable = this.#size - 3;
    for (let step = 0; step < usable; step += 1) {
      const offset = 2 + ((this.#nextAddress + step) % usable);
      const address = toText(this.#network + offset);
      if (this.#addresses.has(address)) continue;
      this.#nextAddress = offset - 1;
      return address;
    }
    return undefined;
  }

  #allocatePorts(resource: ServedResource, object: AnyObject, old: AnyObject | undefined, held: AnyObject): void {
    const spec = fieldsOf(object.spec);
    const wants =
      spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
    if (!wants) return;
    const had = new Set(listOf(fieldsOf(old?.spec).ports).map((port) => port.nodePort));
    const taken: { nodePort: number }[] = [];
    held.spec = { ...fieldsOf(held.spec), ports: taken };
    for (const [index, port] of listOf(spec.ports).entries()) {
      const asked = numberOf(port.nodePort) ?? 0;
      if (asked !== 0 && had.has(asked)) continue;
      const nodePort = asked === 0 ? this.#freePort() : asked;
      const why = nodePort === undefined ? 'range is full' : this.#portProblem(nodePort);
      if (nodePort === undefined || why !== undefined) {
        throw invalid(resource.group, resource.kind, object.metadata.name ?? '', [
          invalidValue(`spec.ports[${index}].nodePort`, asked, why ?? ''),
        ]);
      }
      port.nodePort = nodePort;
      taken.push({ nodePort });
      this.#ports.set(nodePort, (this.#ports.get(nodePort) ?? 0) + 1);
    }
  }

  #portProblem(port: number): string | undefined {
    if (port < FIRST_NODE_PORT || port > LAST_NODE_PORT) {
      return `provided port is not in the valid range. The range of valid ports is ${FIRST_NODE_PORT}-${LAST_NODE_PORT}`;
    }
    return this.#ports.has(port) ? 'provided port is already allocated' : undefined;
  }

  #freePort(): number | undefined {
    const range = LAST_NODE_PORT - FIRST_NODE_PORT + 1;
    for (let step = 0; step < range; step += 1) {
      const port = FIRST_NODE_PORT + ((this.#nextPort + step) % range);
      if (this.#ports.has(port)) continue;
      this.#nextPort = port - FIRST_NODE_PORT + 1;
      return port;
    }
    return undefined;
  }

  #count(service: AnyObject, by: 1 | -1): void {
    const spec = fieldsOf(service.spec);
    const address = textOf(spec.clusterIP);
    if (address !== '' && address !== 'None') addTo(this.#addresses, address, by);
    for (const port of listOf(spec.ports)) {
      const nodePort = numberOf(port.nodePort) ?? 0;
      if (nodePort !== 0) addTo(this.#ports, nodePort, by);
    }
  }
}

function addTo<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count <= 0) counts.delete(key);
  else counts.set(key, count);
}

function toNumber(address: string): number {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return Number.NaN;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
