import { describe, expect, it } from 'vitest';
import { MAX_PENDING_BYTES, WatchQueue } from './watch-queue.ts';

async function readAll(queue: WatchQueue): Promise<string> {
  let text = '';
  for await (const chunk of queue) text += Buffer.from(chunk).toString();
  return text;
}

describe('the queue of one watcher', () => {
  it('hands on what was pushed before and after reading began, then ends', async () => {
    let ended = 0;
    const queue = new WatchQueue(() => {
      ended += 1;
    });
    queue.push(Buffer.from('a'));
    queue.push(Buffer.from('b'));
    const reading = readAll(queue);
    await Promise.resolve();
    queue.push(Buffer.from('c'));
    queue.end();
    queue.push(Buffer.from('late'));
    queue.end();
    expect([await reading, ended]).toEqual(['abc', 1]);
  });

  it('cuts a watcher that does not read instead of keeping everything for it', async () => {
    const queue = new WatchQueue(() => undefined);
    const frame = Buffer.alloc(1024 * 1024);
    for (let bytes = 0; bytes <= MAX_PENDING_BYTES; bytes += frame.length) queue.push(frame);
    expect([queue.ended, await readAll(queue)]).toEqual([true, '']);
  });

  it('hears of it when the reader stops', async () => {
    let ended = false;
    const queue = new WatchQueue(() => {
      ended = true;
    });
    queue.push(Buffer.from('a'));
    for await (const _ of queue) break;
    expect(ended).toBe(true);
  });
});
