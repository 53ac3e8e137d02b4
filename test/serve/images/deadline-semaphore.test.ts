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
