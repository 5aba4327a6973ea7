import { randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, asserted by the tests
  readonly body: any;
  readonly warnings: readonly string[];
}

export interface WatchEvent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly object: any;
}

/** A connection of the contract suite to the server under test, as a member of system:masters. */
export class Connection {
  readonly #url: string;
  readonly #token: string;
  readonly #agent = new Agent({ connect: { rejectUnauthorized: false } });

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async send(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = await request(this.#url + path, {
      method,
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    const warning = answer.headers.warning;
    return {
      status: answer.statusCode,
      body: text.startsWith('{') ? JSON.parse(text) : text,
      warnings: warning === undefined ? [] : [warning].flat(),
    };
  }

  get = (path: string, headers?: Record<string, string>): Promise<Answer> => this.send('GET', path, undefined, headers);
  post = (path: string, body: unknown): Promise<Answer> => this.send('POST', path, body);
  put = (path: string, body: unknown): Promise<Answer> => this.send('PUT', path, body);
  delete = (path: string, body?: unknown): Promise<Answer> => this.send('DELETE', path, body);
  patch = (
    type: 'json-patch' | 'merge-patch' | 'strategic-merge-patch',
    path: string,
    body: unknown,
  ): Promise<Answer> => this.send('PATCH', path, body, { 'content-type': `application/${type}+json` });
  apply = (path: string, manager: string, body: unknown, query = ''): Promise<Answer> =>
    this.send('PATCH', `${path}?fieldManager=${manager}${query}`, body, {
      'content-type': 'application/apply-patch+yaml',
    });

  /** Opens a watch and collects its events until `stop`; `until` waits for a number of events without bookmarks. */
  async watch(path: string): Promise<{
    until(count: number): Promise<readonly WatchEvent[]>;
    all(): readonly WatchEvent[];
    stop(): void;
  }> {
    const abort = new AbortController();
    const answer = await request(this.#url + path, {
      dispatcher: this.#agent,
      signal: abort.signal,
      headers: { authorization: `Bearer ${this.#token}` },
      bodyTimeout: 0,
    });
    const events: WatchEvent[] = [];
    let wake = (): void => undefined;
    const reading = (async () => {
      let rest = '';
      for await (const chunk of answer.body.setEncoding('utf8')) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line) events.push(JSON.parse(line));
        wake();
      }
    })().catch(() => wake()); // the abort of stop() ends the stream this way
    const until = async (count: number): Promise<readonly WatchEvent[]> => {
      const seen = (): WatchEvent[] => events.filter((e) => e.type !== 'BOOKMARK');
      const deadline = AbortSignal.timeout(10_000);
      while (seen().length < count && !deadline.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, 200);
        });
      }
      return seen();
    };
    return {
      until,
      all: () => events,
      stop: () => {
        abort.abort();
        void reading;
      },
    };
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

/** A fresh namespace name. */
export function freshName(prefix: string): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`;
}
