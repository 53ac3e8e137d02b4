import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { type BatchDone, type Input, NotAnswered, type RefusalReason } from '../../../serve/inference/pool.js';
import { temporaryFolder } from '../../support/temporary.js';
import { greyNetwork, pixelsOf, writeFrontier } from '../models.js';
import { outputsOf } from '../reference.js';
import { crash, crashWithNextBatch, startedThreads } from '../threads.js';
import { patient, said, testPool } from './pools.js';

/** Takes some milliseconds an image, so that threads crash while they compute. */
const slow = greyNetwork({ name: 'slow', depth: 8, filters: 64 });
const quick = greyNetwork({ name: 'quick' });
/** Takes more than a hundred milliseconds an image. */
const long = greyNetwork({ name: 'long', size: [768, 768, 1], depth: 6, filters: 24 });
const large: Input = { kind: 'pixels', data: pixelsOf([768, 768, 1], 1) };

const image = (seed: number): Input => ({ kind: 'pixels', data: pixelsOf([28, 28, 1], seed) });

const until = (condition: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(condition, { timeout: 30_000, interval: 5 });

const reasonOf = async (answers: Promise<unknown>): Promise<RefusalReason | 'answered'> =>
  answers.then(
    () => 'answered',
    (error: unknown) => {
      if (error instanceof NotAnswered) return error.reason;
      throw error;
    },
  );

describe('crashing threads', () => {
  it('are replaced, and other threads answer their images', async () => {
    const threads = startedThreads();
    const frontier = writeFrontier(temporaryFolder(), [slow]);
    const warnings: string[] = [];
    const pool = await testPool({
      frontier,
      workers: 2,
      known: said(frontier, [3, 5, 9]),
      onWarning: (message) => warnings.push(message),
    });
    const expected = await Promise.all(
      [0, 1, 2].map((seed) => outputsOf(frontier.models[0], pixelsOf([28, 28, 1], seed))),
    );

    let isOver = false;
    const client = async (seed: number): Promise<void> => {
      while (!isOver) {
        const [{ outputs }] = await pool.run([image(seed)], patient());
        outputs.forEach((value, i) => expect(value).toBeCloseTo(expected[seed][i], 5));
      }
    };
    const clients = Promise.all([0, 1, 2, 0, 1, 2, 0, 1, 2].map(client));
    for (let crashed = 0; crashed < 3; crashed++) {
      crash(threads[crashed]);
      await until(() => expect(threads).toHaveLength(3 + crashed));
      // The first message says that its networks are open.
      await once(threads[2 + crashed], 'message');
    }
    isOver = true;
    await clients;
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toMatch(/^an inference thread ended \(exit code 1\): .*: starting another one$/);
  });

  it('do not compute an image again after it was in flight in two crashes', async () => {
    const threads = startedThreads((thread, index) => {
      if (index === 1) crashWithNextBatch(thread);
    });
    const frontier = writeFrontier(temporaryFolder(), [quick]);
    const pool = await testPool({ frontier, workers: 1, known: said(frontier, [1]) });
    crashWithNextBatch(threads[0]);
    expect(await reasonOf(pool.run([image(1)], patient()))).toBe('failed');
    expect(await reasonOf(pool.run([image(1)], patient()))).toBe('answered');
    expect(threads).toHaveLength(3);
  });

  it('fail waiting images while no thread can be started, and are started again later', async () => {
    const threads = startedThreads();
    const frontier = writeFrontier(temporaryFolder(), [quick]);
    const [{ file }] = frontier.models;
    const warnings: string[] = [];
    const pool = await testPool({
      frontier,
      workers: 1,
      known: said(frontier, [1]),
      onWarning: (message) => warnings.push(message),
    });
    renameSync(file, `${file}.away`);
    crash(threads[0]);
    await until(() =>
      expect(warnings[1]).toMatch(/an inference thread could not be started.*'quick' cannot be opened/),
    );
    expect(await reasonOf(pool.run([image(1)], patient()))).toBe('failed');
    renameSync(`${file}.away`, file);
    await until(async () => expect(await reasonOf(pool.run([image(1)], patient()))).toBe('answered'));
  });
});

describe('images without an answer', () => {
  it('exceed the queue, and learn when to retry', async () => {
    const frontier = writeFrontier(temporaryFolder(), [quick]);
    const pool = await testPool({ frontier, maxQueue: 3, known: said(frontier, [1, 1.5]) });
    const images = [image(1), image(2)];
    const runs = [pool.run(images, patient()), pool.run(images, patient()), pool.run([image(3)], patient())];
    expect(await Promise.all(runs.map(reasonOf))).toEqual(['answered', 'full', 'answered']);
    const refused = pool.run(Array(4).fill(image(1)), patient());
    await expect(refused).rejects.toMatchObject({ reason: 'full', retryAfterMs: pool.expectedMs(null) });
  });

  it('are hopeless, or expire although they seemed feasible', async () => {
    const frontier = writeFrontier(temporaryFolder(), [slow]);
    const within = (ms: number) => patient({ deadline: performance.now() + ms });
    const honest = await testPool({ frontier, known: said(frontier, [30]) });
    expect(await reasonOf(honest.run([image(1)], within(10)))).toBe('hopeless');
    const hopeful = await testPool({ frontier, known: said(frontier, [0.001]) });
    const [last, ...others] = [patient(), ...Array.from({ length: 49 }, () => within(20))].map((options) =>
      reasonOf(hopeful.run([image(1)], options)),
    );
    expect(await last).toBe('answered');
    expect(await Promise.all(others)).toContain('expired');
  });

  it('are refused at their deadlines while all threads compute', async () => {
    const frontier = writeFrontier(temporaryFolder(), [long]);
    const pool = await testPool({ frontier, workers: 1, maxBatch: 1, known: said(frontier, [10]) });
    let isFirstOver = false;
    const first = pool.run([large], patient()).then(() => (isFirstOver = true));
    // In the next turn the thread computes the first image.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const second = reasonOf(pool.run([large], patient({ deadline: performance.now() + 70 })));
    expect([await second, isFirstOver]).toEqual(['expired', false]);
    await first;
  });

  it('leave no timer behind that keeps the process alive', async () => {
    const frontier = writeFrontier(temporaryFolder(), [quick]);
    const pool = await testPool({ frontier, workers: 1, maxBatch: 1, known: said(frontier, [1]) });
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    await Promise.all([1, 2, 3].map((seed) => pool.run([image(seed)], patient())));
    // Those of earlier tests may have ended.
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('belong to clients that have gone', async () => {
    const frontier = writeFrontier(temporaryFolder(), [quick]);
    const batches: BatchDone[] = [];
    const pool = await testPool({ frontier, onBatch: (batch) => batches.push(batch) });
    let isGone = false;
    const reason = reasonOf(pool.run([image(1), image(2)], patient({ isGone: () => isGone })));
    isGone = true;
    expect(await reason).toBe('gone');
    expect(batches).toEqual([]);
  });

  it('are counted as late when answered after their deadlines', async () => {
    // Said to take one millisecond.
    const frontier = writeFrontier(temporaryFolder(), [long]);
    const batches: BatchDone[] = [];
    const pool = await testPool({ frontier, known: said(frontier, [1]), onBatch: (batch) => batches.push(batch) });
    // In time when dispatched, late when computed.
    await reasonOf(pool.run([large], patient({ deadline: performance.now() + 50 })));
    await until(() => expect(batches).toMatchObject([{ model: frontier.models[0], size: 1, late: 1 }]));
  });
});

describe.each(['inline', 2] as const)('a pool with workers %s', (workers) => {
  it('answers accepted images when closed, and refuses new ones', async () => {
    const frontier = writeFrontier(temporaryFolder(), [quick, slow]);
    const pool = await testPool({ frontier, workers, known: said(frontier, [2, 3]) });
    const runs = Array.from({ length: 60 }, (_, i) => reasonOf(pool.run([image(i), image(i + 1)], patient())));
    const closed = pool.close();
    expect(await reasonOf(pool.run([image(1)], patient()))).toBe('closing');
    await closed;
    expect(pool.depth + pool.running).toBe(0);
    expect(new Set(await Promise.all(runs))).toEqual(new Set(['answered']));
    await pool.close();
  });

  it('forms one batch of the images of one event-loop iteration', async () => {
    const frontier = writeFrontier(temporaryFolder(), [quick]);
    const batches: BatchDone[] = [];
    const known = said(frontier, [1, 1.1, 1.2, 1.3]);
    const pool = await testPool({ frontier, workers, known, onBatch: (batch) => batches.push(batch) });
    const answers = await Promise.all(Array.from({ length: 16 }, (_, i) => pool.run([image(i)], patient())));
    expect(batches.map(({ size }) => size)).toEqual([8, 8]);
    expect(answers.map(([{ batch }]) => batch)).toEqual(Array(16).fill(8));
  });
});
