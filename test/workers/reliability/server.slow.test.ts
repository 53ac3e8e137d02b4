import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWithValkey } from '../../support/valkey.js';
import { runInside } from '../../runner/inside.js';
import { until } from './machines.js';
import { preparePlace } from './place.js';
import { queueAt, retriesOf, runQueued, writeEvaluations, writeTrainings } from './searches.js';

describeWithValkey('a queue server that is killed while jobs run', () => {
  const place = preparePlace();
  let reference: ReturnType<typeof runInside> | undefined;

  it.each([
    ['and comes back with its data', false],
    ['and comes back empty', true],
  ])('%s loses nothing and does nothing twice', async (_how, empty) => {
    const { directory, valkey } = place;
    const name = empty ? 'empty' : 'kept';
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name,
      train: '{ epochs: 6, batch: 32, checkpoint_seconds: 0.1 }',
      search: '{ controller: random, trials: 3, parallel: 2, retries: 0 }',
    });
    const { expected } = await (reference ??= runInside(file, join(directory, 'reference')));
    const workers = await place.workers({}, {});
    let restarted: Promise<void> | undefined;
    const restart = async () => {
      await valkey.kill();
      await sleep(500);
      await valkey.restart({ empty });
    };
    const { found, events } = await runQueued({ file, workdir: join(directory, name) }, (event) => {
      if (event.kind === 'trial-epoch' && event.epoch === 1) restarted ??= restart();
    });
    await restarted;
    expect(found).toEqual(expected);
    // No worker died, so no attempt was lost.
    expect(retriesOf(events)).toEqual([]);
    expect(workers.every((worker) => worker.isRunning())).toBe(true);
  });

  it('keeps nothing of a run that is complete', async () => {
    const { directory, valkey, machines } = place;
    const { file } = writeEvaluations(directory, queueAt(valkey.url), { name: 'clean' });
    await place.workers({ args: ['--allow-modules'] });
    const { redis } = await machines.connection(valkey.url);
    const sizes: number[] = [];
    for (const round of [1, 2]) {
      await runQueued({ file, workdir: join(directory, `clean-${round}`) });
      const keys = await redis.keys('*');
      // Neither jobs nor the run's lease.
      expect(keys.filter((key) => /:[0-9a-f]{16,}/.test(key))).toEqual([]);
      let bytes = 0;
      for (const key of keys) bytes += Number(await redis.call('memory', 'usage', key));
      sizes.push(bytes);
    }
    // Event streams have a maximum length: a second run leaves nothing more.
    expect(sizes[1]).toBeLessThan(2 * sizes[0]);
  });

  it('loses no result of a run whose coordinator waits for a single job', async () => {
    const { directory, valkey } = place;
    // The job ends while the server is away: the worker answers once it is back.
    const { file, log } = writeEvaluations(directory, queueAt(valkey.url), {
      name: 'answer',
      body: `while (!existsSync(file('answer.go'))) await wait(20); log('done ' + seed);`,
      search: '{ controller: random, trials: 1, parallel: 1, retries: 0 }',
    });
    await place.workers({ args: ['--allow-modules'] });
    const run = runQueued({ file, workdir: join(directory, 'answer') });
    await until(() => log().length === 1, 'the job runs');
    await valkey.kill();
    writeFileSync(join(directory, 'answer.go'), '');
    await until(() => log().length === 2, 'the job ends');
    await valkey.restart();
    const { found } = await run;
    expect(found.trials.map(({ state }) => state)).toEqual(['complete']);
    expect(log()).toHaveLength(2);
    expect(existsSync(join(directory, 'answer'))).toBe(true);
  });
});
