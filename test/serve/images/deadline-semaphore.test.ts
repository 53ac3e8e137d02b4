import fc from 'fast-check';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { NotAnswered } from '../../../serve/inference/pool.js';
import { DeadlineSemaphore } from '../../../serve/images/deadline-semaphore.js';

interface Task {
  readonly deadline: number;
  readonly gone: boolean;
}

const task = fc.record({ deadline: fc.integer({ min: 1, max: 9 }), gone: fc.boolean() });

/** Runs tasks of 1 ms each on a simulated clock. */
async function simulate(tasks: readonly Task[], parallel: number) {
  let now = 0;
  let running = 0;
  const turns = new DeadlineSemaphore(parallel, () => now);
  const began: { at: number; index: number }[] = [];
  const ends: (() => void)[] = [];
  let most = 0;
  const outcomes = tasks.map(({ deadline, gone }, index) =>
    turns
      .run(
        async () => {
          most = Math.max(most, ++running);
          began.push({ at: now, index });
          await new Promise<void>((end) => ends.push(end));
          running--;
          if (index % 4 === 3) throw new Error('failed');
          return index;
        },
        { deadline, isGone: () => gone, client: 'one', ms: 1 },
      )
      .catch((error: unknown) => (error instanceof NotAnswered ? error.reason : String(error))),
  );
  await setImmediate();
  const waited = turns.depth;
  while (ends.length > 0) {
    now++;
    for (const end of ends.splice(0)) end();
    await setImmediate();
  }
  return { began, most, waited, outcomes: await Promise.all(outcomes), turns };
}

it('DeadlineSemaphore runs a bounded number of tasks by deadline, and each task ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), async (tasks, parallel) => {
      const { began, most, waited, outcomes, turns } = await simulate(tasks, parallel);
      expect(most).toBeLessThanOrEqual(parallel);
      expect([turns.depth, turns.isIdle]).toEqual([0, true]);
      // Tasks that arrive after the last permit wait.
      const full = tasks.flatMap(({ gone }, index) => (gone ? [] : [index])).at(parallel - 1);
      expect(waited).toBe(full === undefined ? 0 : tasks.length - 1 - full);
      for (const [index, outcome] of outcomes.entries()) {
        const start = began.find((one) => one.index === index);
        if (tasks[index].gone) expect(outcome).toBe('gone');
        else if (start === undefined) expect(outcome).toBe('expired');
        else {
          expect(start.at).toBeLessThan(tasks[index].deadline);
          expect(outcome).toBe(index % 4 === 3 ? 'Error: failed' : index);
        }
      }
      // Of the waiting tasks, none starts before one with an earlier deadline.
      const waiting = began.filter(({ at }) => at > 0).map(({ index }) => tasks[index].deadline);
      expect(waiting).toEqual([...waiting].sort((a, b) => a - b));
    }),
  );
});

it('DeadlineSemaphore looks at each task of gone clients a few times only, when they leave together', async () => {
  const [clients, each] = [50, 40];
  const turns = new DeadlineSemaphore(1, () => 0);
  let [isGone, looks] = [false, 0];
  let end = (): void => undefined;
  const first = turns.run(() => new Promise<void>((resolve) => (end = resolve)), {
    deadline: 1,
    isGone: () => false,
    client: 'first',
    ms: 1,
  });
  const wish = (client: string, deadline: number) => ({
    get deadline() {
      looks++;
      return deadline;
    },
    get client() {
      looks++;
      return client;
    },
    ms: 1,
    isGone: () => {
      looks++;
      return isGone;
    },
  });
  const left = Array.from({ length: clients * each }, (_, i) =>
    turns.run(() => Promise.resolve(), wish(`client ${i % clients}`, 1 + (i % 7))).catch(() => 'left'),
  );
  await setImmediate();
  expect([turns.depth, turns.waitMs('client 0')]).toEqual([clients * each, 1 + clients * each]);
  [isGone, looks] = [true, 0];
  end();
  await first;
  expect(new Set(await Promise.all(left))).toEqual(new Set(['left']));
  expect([turns.depth, turns.isIdle]).toEqual([0, true]);
  expect(looks).toBeLessThan(10 * clients * each);
});

it('DeadlineSemaphore begins the tasks of the client that runs the fewest', async () => {
  const turns = new DeadlineSemaphore(2, () => 0);
  const [began, ends]: [string[], (() => void)[]] = [[], []];
  const run = (client: string, deadline: number) =>
    turns.run(
      () => {
        began.push(`${client} ${deadline}`);
        return new Promise<void>((end) => ends.push(end));
      },
      { deadline, isGone: () => false, client, ms: 1 },
    );
  const all = [...[1, 2, 3, 4, 5].map((deadline) => run('many', deadline)), run('few', 9), run('few', 8)];
  for (let i = 0; i < all.length; i++) {
    await setImmediate();
    ends[i]();
  }
  await Promise.all(all);
  expect(began).toEqual(['many 1', 'many 2', 'few 8', 'many 3', 'few 9', 'many 4', 'many 5']);
});
