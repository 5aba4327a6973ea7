import type { Lease } from '../kinds.ts';
import { type Clock, sleep } from '../runtime/clock.ts';
import { type Answer, FakeTransport } from './fake-transport.ts';
import { failure } from './model-server.ts';

/** What happens to a client's request. */
export type Fault = 'none' | 'refuse' | 'lose answer' | 'hang' | 'slow';

/** A server for one Lease, with faults by client. */
export class LeaseServer {
  /** `leaseTransitions` of the first record; the log counts terms from there. */
  firstEpoch: number | undefined;
  lease: Lease | undefined;
  version = 1;
  requests = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  transport(fault: () => Fault): FakeTransport {
    return new FakeTransport(async (request) => {
      this.requests++;
      const now = fault();
      if (now === 'refuse') throw new Error('connection refused');
      if (now === 'hang') return new Promise<Answer>(() => undefined);
      if (now === 'slow') await sleep(this.#clock, 2500);
      const body = request.body === undefined ? undefined : (JSON.parse(String(request.body)) as Lease);
      const answer = this.#serve(request.method, body);
      if (now === 'lose answer') throw new Error('connection reset');
      return answer;
    });
  }

  #serve(method: string, body: Lease | undefined): Answer {
    if (method === 'GET') return this.lease ? { body: this.lease } : failure(404, 'NotFound');
    if (body === undefined) return failure(400, 'BadRequest');
    for (const time of [body.spec?.renewTime, body.spec?.acquireTime])
      if (!/\.\d{6}Z$/.test(time ?? '')) return failure(400, 'BadRequest');
    if (method === 'POST' && this.lease) return failure(409, 'AlreadyExists');
    if (method === 'PUT' && body.metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
      return failure(409, 'Conflict');
    this.firstEpoch ??= body.spec?.leaseTransitions;
    this.lease = { ...body, metadata: { ...body.metadata, uid: 'u', resourceVersion: String(++this.version) } };
    return { body: this.lease };
  }
}
