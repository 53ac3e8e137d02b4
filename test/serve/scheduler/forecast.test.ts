import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../../serve/scheduler/deadline-queue.js';
import { Forecast, type Newcomers } from '../../../serve/scheduler/forecast.js';
import type { Candidate, Item } from '../../../serve/scheduler/types.js';
import { isEachInTime } from './reference.js';

const candidate = (first: number, further: number, maxBatch: number): Candidate => ({
  accuracy: 0.5,
  maxBatch,
  ms: (batch) => first + further * (batch - 1),
});
const candidates = [candidate(1, 0.25, 4), candidate(4, 4, 1), candidate(3, 1, 8)];

const item = (deadline: number, only: number | null): Item => ({ deadline, only, isGone: () => false });
/** Deadlines in groups, so that late items occur anywhere, followed by items in time. */
const gaps = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 4 }) }, fc.integer({ min: 10, max: 40 }));
const waiting = (only: fc.Arbitrary<number | null>): fc.Arbitrary<[number, number | null][]> =>
  fc.oneof(
    fc.array(fc.tuple(gaps, only), { maxLength: 5 }),
    fc.array(fc.tuple(gaps, only), { maxLength: 40, size: 'max' }),
  );
const queues = fc.record({
  slack: fc.integer({ min: 0, max: 30 }),
  waiting: fc.oneof(waiting(fc.constant(null)), waiting(fc.constantFrom(null, null, null, 0, 1, 2))),
  workers: fc.integer({ min: 1, max: 3 }),
  waitingMargin: fc.constantFrom(1, 1.5),
});
type Queue = typeof queues extends fc.Arbitrary<infer T> ? T : never;

function build({ slack, waiting }: Queue): { items: Item[]; queue: DeadlineQueue<Item> } {
  let deadline = slack;
  const items = waiting.map(([gap, only]) => item((deadline += gap), only));
  const queue = new DeadlineQueue<Item>(candidates.length);
  queue.add(items);
  return { items, queue };
}

describe('Forecast', () => {
  it('agrees with a check of every item, for each network', () => {
    let inTime = 0;
    let late = 0;
    fc.assert(
      fc.property(queues, (setting) => {
        const { items, queue } = build(setting);
        const forecast = new Forecast(queue, candidates, setting.workers);
        for (const chosen of candidates.keys()) {
          const plan = { chosen, now: 0, margin: { waiting: setting.waitingMargin, own: 1.25 } };
          const expected = isEachInTime(items, candidates, setting.workers, plan);
          expect(forecast.isInTime(plan)).toBe(expected);
          if (expected) inTime++;
          else late++;
        }
      }),
      { numRuns: 3000 },
    );
    // Both outcomes are frequent enough.
    expect(Math.min(inTime, late)).toBeGreaterThan(1000);
  });

  it('checks the first item of each network: its batch may be the longest, which one worker computes alone', () => {
    const queue = new DeadlineQueue<Item>(candidates.length);
    queue.add([item(4, 0), item(5, null)]);
    const isInTime = (own: number): boolean =>
      new Forecast(queue, candidates, 3).isInTime({ chosen: 1, now: 0, margin: { waiting: 1, own } });
    // 1 / 3 ms until the batch of 4 ms begins.
    expect(isInTime(1.16)).toBe(true);
    expect(isInTime(1.17)).toBe(false);
  });

  it('agrees with a check of every item for newcomers and later deadlines', () => {
    fc.assert(
      fc.property(
        queues,
        fc.record({
          count: fc.integer({ min: 1, max: 6 }),
          deadline: fc.integer({ min: 0, max: 80 }),
          only: fc.constantFrom(null, 1),
        }),
        (setting, newcomers: Newcomers) => {
          const { items, queue } = build(setting);
          const plan = { chosen: 0, now: 0, margin: { waiting: setting.waitingMargin, own: 1 } };
          const added = Array.from({ length: newcomers.count }, () => item(newcomers.deadline, newcomers.only));
          const all = [...items, ...added];
          const said = new Forecast(queue, candidates, setting.workers).isInTime({ ...plan, newcomers });
          expect(said).toBe(isEachInTime(all, candidates, setting.workers, plan, newcomers.deadline));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
