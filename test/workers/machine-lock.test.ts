import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { shareLock, takeLock } from '../../base/lock.js';
import { MachineWatch, withMachineLock } from '../../workers/machine-lock.js';
import { temporaryFolder } from '../support/temporary.js';

/** A worker that records whether its jobs run. */
async function startWorker(directory: string) {
  const state = { runs: true };
  const watch = await MachineWatch.start(
    {
      standStill: async () => {
        await sleep(10);
        state.runs = false;
        return () => (state.runs = true);
      },
      onChange: () => undefined,
    },
    directory,
  );
  onTestFinished(() => watch.close());
  return { state, watch };
}

it('pauses all workers of a machine during a measurement, one measurement at a time', async () => {
  const directory = temporaryFolder();
  const [a, b] = [await startWorker(directory), await startWorker(directory)];
  let measuring = 0;
  const measure = async (): Promise<readonly boolean[]> => {
    expect(++measuring).toBe(1);
    await sleep(20);
    measuring--;
    return [a.state.runs, b.state.runs];
  };
  const { signal } = new AbortController();
  const results = await Promise.all([
    withMachineLock(measure, { directory }),
    withMachineLock(measure, { directory }),
    // The measuring worker pauses its own jobs.
    a.watch.alone(measure, signal),
  ]);
  expect(results).toEqual([
    [false, false],
    [false, false],
    [true, false],
  ]);
  await expect.poll(() => [a.state.runs, b.state.runs]).toEqual([true, true]);
  expect([a.watch.holder, b.watch.holder]).toEqual([null, null]);
});

it('lets two measurements of one worker follow each other', async () => {
  const { watch, state } = await startWorker(temporaryFolder());
  const { signal } = new AbortController();
  const order: number[] = [];
  await Promise.all([1, 2].map((n) => watch.alone(() => Promise.resolve(order.push(n)), signal)));
  expect(order).toHaveLength(2);
  await expect.poll(() => state.runs).toBe(true);
});

it('pauses a worker that starts during a measurement, until its process has ended', async () => {
  const directory = temporaryFolder();
  // Like a kill: the operating system releases the lock.
  const request = takeLock(join(directory, 'request'));
  const late = await startWorker(directory);
  expect(late.state.runs).toBe(false);
  expect(late.watch.holder).toContain(`process ${process.pid}`);
  request?.release();
  await expect.poll(() => late.state.runs).toBe(true);
});

it('ends its wait when the signal is aborted', async () => {
  const directory = temporaryFolder();
  const work = shareLock(join(directory, 'work'));
  onTestFinished(() => work?.release());
  const cancelling = new AbortController();
  const task = () => Promise.reject(new Error('another process works'));
  const waiting = withMachineLock(task, { directory, signal: cancelling.signal });
  cancelling.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow(/enough|aborted/);
});
