import { expect, it } from 'vitest';
import { pixelsOf } from '../models.js';
import { WorkerPool } from '../../../serve/inference/worker-pool.js';

it('a worker whose batch is overdue gets no second one, and is expected to take as long again as it is late', () => {
  const runner = {
    slots: 2,
    run: () => new Promise<never>(() => undefined),
    onEnd: () => undefined,
    close: () => Promise.resolve(),
  };
  const pool = new WorkerPool([runner], {
    start: () => Promise.resolve(runner),
    ms: (_, images) => 10 * images,
    onWarning: () => undefined,
    onChange: () => undefined,
  });
  const worker = pool.idleWorker(0) ?? expect.fail('no worker is free');
  void pool.run(worker, 0, [{ kind: 'pixels', data: pixelsOf([28, 28, 1], 1) }], 0);
  expect([0, 5, 10, 30].map((now) => pool.startsIn(now))).toEqual([10, 5, 0, 20]);
  // Just before its end, the next batch may be sent.
  expect([5, 9.8, 30].map((now) => pool.idleWorker(now))).toEqual([null, worker, null]);
});
