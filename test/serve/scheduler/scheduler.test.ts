import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../serve/scheduler/scheduler.js';
import type { Candidate, Item } from '../../../serve/scheduler/types.js';
import { ReferenceScheduler } from './reference.js';

interface Request extends Item {
  readonly id: number;
  gone: boolean;
}

let ids = 0;
function request(deadline: number, only: number | null = null): Request {
  const item: Request = { id: ids++, deadline, only, gone: false, isGone: () => item.gone };
  return item;
}

const candidate = (accuracy: number | null, first: number, further: number, maxBatch: number): Candidate => ({
  accuracy,
  maxBatch,
  ms: (batch) => first + further * (batch - 1),
});
/** The scheduler never chooses the third one. */
const candidates = [candidate(0.6, 1, 0.25, 4), candidate(0.8, 4, 4, 1), candidate(null, 3, 1, 8)];
const options = { workers: 1, maxQueue: 100 };
const create = (workers = 1): Scheduler<Request> => new Scheduler(candidates, { ...options, workers });

function offered(scheduler: Scheduler<Request>, ...items: readonly Request[]): Request[] {
  for (const item of items) expect(scheduler.offer([item], 0, 0)).toBeNull();
  return [...items];
}

describe('Scheduler', () => {
  it('answers the earliest deadline first, then the first arrival', () => {
    const scheduler = create();
    const [late, early, sameAsEarly] = offered(scheduler, request(300), request(200), request(200));
    const order = [1, 2, 3].map(() => scheduler.take(0, 1).batch?.items);
    expect(order).toEqual([[early], [sameAsEarly], [late]]);
  });

  it('chooses the most accurate network that meets all deadlines, never one of unknown accuracy', () => {
    const networkFor = (waiting: number): number | undefined => {
      const scheduler = create();
      for (let i = 0; i < waiting; i++) offered(scheduler, request(30));
      return scheduler.take(0, 1).batch?.network;
    };
    // The margin is 1.25 at first: six times 4 ms are in time, seven are not.
    expect([1, 6, 7, 20].map(networkFor)).toEqual([1, 1, 0, 0]);
  });

  it('forms a batch of the waiting items without waiting for more', () => {
    const scheduler = create();
    offered(scheduler, ...Array.from({ length: 6 }, () => request(15)));
    expect(scheduler.take(0, 1).batch).toMatchObject({ network: 0, items: { length: 4 } });
    expect(scheduler.depth).toBe(2);
  });

  it('limits a batch by the first deadline', () => {
    const scheduler = create();
    offered(scheduler, ...Array.from({ length: 4 }, () => request(4)));
    // 1.25 ms with the margin, 0.31 for each further item.
    expect(scheduler.take(2.4, 1).batch?.items).toHaveLength(2);
    expect(scheduler.take(2.5, 1).batch?.items).toHaveLength(1);
  });

  it('lets idle workers share the queue', () => {
    const scheduler = create(2);
    offered(scheduler, ...Array.from({ length: 4 }, () => request(5)));
    expect(scheduler.take(0, 2).batch?.items).toHaveLength(2);
    expect(scheduler.take(0, 1).batch?.items).toHaveLength(2);
  });

  it('answers a named network with that one, and others only with the chosen one', () => {
    const scheduler = create();
    const [asking, free, alsoAsking] = offered(scheduler, request(40, 2), request(50), request(60, 2));
    expect(scheduler.take(0, 1).batch).toEqual({ network: 2, items: [asking, alsoAsking] });
    expect(scheduler.take(10, 1).batch).toEqual({ network: 1, items: [free] });
  });

  it('chooses a faster network when items of a named slow one would be late otherwise', () => {
    const scheduler = create();
    offered(scheduler, request(10), request(11, 1), request(12, 1));
    expect(scheduler.take(0, 1).batch).toMatchObject({ network: 0, items: { length: 1 } });
  });

  it('refuses items that would be late, or would make queued items late, with the fastest network', () => {
    const scheduler = create();
    expect(scheduler.offer([request(0.9)], 0, 0)).toBe('hopeless');
    expect(scheduler.offer([request(3)], 0, 2.5)).toBe('hopeless');
    offered(scheduler, request(10, 2), request(10, 2));
    expect(scheduler.offer([request(9, 1), request(9, 1)], 0, 0)).toBe('hopeless');
    expect(scheduler.offer([request(9, 1)], 0, 0)).toBeNull();
    expect(scheduler.depth).toBe(3);
  });

  it('queues all items of a request or none, up to the limit', () => {
    const scheduler = new Scheduler<Request>(candidates, { workers: 1, maxQueue: 3 });
    const some = (n: number): Request[] => Array.from({ length: n }, () => request(1000));
    expect(scheduler.offer(some(4), 0, 0)).toBe('full');
    expect(scheduler.offer(some(2), 0, 0)).toBeNull();
    expect(scheduler.offer(some(2), 0, 0)).toBe('full');
    expect(scheduler.offer(some(1), 0, 0)).toBeNull();
    expect(scheduler.offer([], 0, 0)).toBeNull();
    expect(scheduler.depth).toBe(3);
  });

  it('queues lost items again in front, and above the limit', () => {
    const scheduler = new Scheduler<Request>(candidates, { workers: 1, maxQueue: 2 });
    const [a, b] = offered(scheduler, request(100), request(100));
    const { batch } = scheduler.take(0, 1);
    expect(batch?.items).toEqual([a]);
    const [c] = offered(scheduler, request(100));
    scheduler.putBack([a]);
    expect(scheduler.depth).toBe(3);
    expect([1, 2, 3].map(() => scheduler.take(0, 1).batch?.items[0])).toEqual([a, b, c]);
  });

  it('reports expired and gone items', () => {
    const scheduler = create();
    const [expired, gone, waiting] = offered(scheduler, request(5), request(50), request(60));
    gone.gone = true;
    expect(scheduler.take(4.5, 1)).toEqual({
      batch: { network: 1, items: [waiting] },
      expired: [expired],
      gone: [gone],
    });
    expect(scheduler.take(5, 1)).toEqual({ batch: null, expired: [], gone: [] });
  });

  it('expects longer waits with a longer queue and with a slower network', () => {
    const scheduler = create();
    expect(scheduler.expectedMs(null)).toBe(1);
    expect(scheduler.expectedMs(1)).toBe(4);
    offered(scheduler, request(100), request(100, 1), request(100, 1));
    expect(scheduler.expectedMs(null)).toBeGreaterThan(1 + 4 + 4);
    expect(scheduler.expectedMs(1)).toBeGreaterThan(1 + 4 + 4 + 4);
  });

  it('explains an empty choice', () => {
    const scheduler = new Scheduler<Request>([candidates[2]], options);
    expect(() => scheduler.offer([request(100)], 0, 0)).toThrow(/accuracy of none is known.*by its name/);
    expect(scheduler.offer([request(100, 0)], 0, 0)).toBeNull();
  });

  it('accepts a request on an idle server, however many answers were late', () => {
    const scheduler = create();
    for (let i = 0; i < 1000; i++) scheduler.observe(true);
    expect(scheduler.offer([request(1.01)], 0, 0)).toBeNull();
    expect(scheduler.take(0, 1).batch?.network).toBe(0);
  });
});

const deadlines = fc.integer({ min: 1, max: 120 });
const asked = fc.constantFrom(null, null, null, 0, 1, 2);
const step = fc.oneof(
  fc.record({
    kind: fc.constant('offer' as const),
    inMs: deadlines,
    only: asked,
    count: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('offer' as const), inMs: deadlines, only: asked, count: fc.constant(1) }),
  fc.record({ kind: fc.constant('take' as const), idle: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('leave' as const), who: fc.nat() }),
  fc.record({ kind: fc.constant('putBack' as const) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 12 }) }),
);

describe('any history', () => {
  const histories = fc.array(step, { minLength: 1, maxLength: 80, size: 'max' });
  const settings = fc.record({
    workers: fc.integer({ min: 1, max: 3 }),
    maxQueue: fc.constantFrom(8, 40),
    startsIn: fc.constantFrom(0, 0, 3),
  });

  it('follows the rule and leaves no item without an outcome', () => {
    fc.assert(
      fc.property(histories, settings, (history, { workers, maxQueue, startsIn }) => {
        const scheduler = new Scheduler<Request>(candidates, { workers, maxQueue });
        const reference = new ReferenceScheduler<Request>(candidates, { workers, maxQueue });
        const accepted = new Set<Request>();
        const settled = new Set<Request>();
        let lastBatch: readonly Request[] = [];
        let now = 0;
        const take = (idle: number): boolean => {
          const { batch, expired, gone } = scheduler.take(now, idle);
          const expected = reference.take(now, idle);
          expect(batch).toEqual(expected.batch);
          expect(new Set(expired)).toEqual(new Set(expected.expired));
          expect(new Set(gone)).toEqual(new Set(expected.gone));
          lastBatch = batch?.items ?? [];
          for (const item of [...lastBatch, ...expired, ...gone]) {
            expect(settled.has(item)).toBe(false);
            settled.add(item);
          }
          return batch !== null;
        };
        for (const each of history)
          switch (each.kind) {
            case 'offer': {
              const items = Array.from({ length: each.count }, () => request(now + each.inMs, each.only));
              const overload = scheduler.offer(items, now, startsIn);
              expect(overload).toBe(reference.offer(items, now, startsIn));
              if (overload === null) for (const item of items) accepted.add(item);
              break;
            }
            case 'take':
              take(each.idle);
              break;
            case 'leave': {
              const { waiting } = reference;
              if (waiting.length > 0) waiting[each.who % waiting.length].gone = true;
              break;
            }
            case 'putBack':
              for (const item of lastBatch) settled.delete(item);
              scheduler.putBack(lastBatch);
              reference.putBack(lastBatch);
              lastBatch = [];
              break;
            case 'wait':
              now += each.ms;
              break;
          }
        expect(scheduler.depth).toBe(reference.waiting.length);
        while (take(1)) now += 1;
        expect(settled).toEqual(accepted);
      }),
      { numRuns: 300 },
    );
  });
});
