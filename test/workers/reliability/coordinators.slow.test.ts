import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeWithValkey } from '../../support/valkey.js';
import { runInside } from '../../runner/inside.js';
import { until } from './machines.js';
import { preparePlace } from './place.js';
import { epochsReported, queueAt, retriesOf, runQueued, writeEvaluations, writeTrainings } from './searches.js';

describeWithValkey('a coordinator', () => {
  const place = preparePlace();

  it('that was killed collects the results of workers: no trial is evaluated again', async () => {
    const { directory, valkey, machines } = place;
    const { file, log } = writeEvaluations(directory, queueAt(valkey.url), {
      name: 'taken-up',
      body: `while (!existsSync(file('taken-up.go'))) await wait(20); log('done ' + seed);`,
      search: '{ controller: random, trials: 4, parallel: 2, retries: 0 }',
    });
    const [worker] = await place.workers({ slots: 2, args: ['--allow-modules'] });
    const workdir = join(directory, 'taken-up');
    const first = machines.nas(['run', file, '--workdir', workdir]);
    await until(
      () => log().length === 2,
      () => `both slots are busy:\n${first.output}\n${worker.output}`,
    );
    await first.kill();
    writeFileSync(join(directory, 'taken-up.go'), '');
    await until(() => log().length === 4, 'both are done');
    // No coordinator collects the answers.
    await sleep(500);
    const { state, found, events } = await runQueued({ workdir });
    expect(state).toBe('complete');
    expect(found.trials.map((trial) => trial.state)).toEqual(['complete', 'complete', 'complete', 'complete']);
    const asked = log().filter((line) => line.startsWith('asked'));
    expect(new Set(asked).size).toBe(4);
    expect(asked).toHaveLength(4);
    expect(retriesOf(events)).toEqual([]);
  });

  it('that was killed continues trainings: no epoch is trained again', async () => {
    const { directory, valkey, machines } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name: 'trained-on',
      train: '{ epochs: 6, batch: 32 }',
    });
    const { expected } = await runInside(file, join(directory, 'reference'));
    await place.workers({ slots: 2 });
    const workdir = join(directory, 'trained-on');
    const first = machines.nas(['run', file, '--workdir', workdir]);
    await first.said(/epoch 2\/6: /);
    await first.kill();
    // Enough time to end the training, but not to upload its weights.
    await sleep(2000);
    const { found, events } = await runQueued({ workdir });
    expect(found).toEqual(expected);
    expect(retriesOf(events)).toEqual([]);
    const reported = [...epochsReported(events)];
    expect(reported.filter(([, times]) => times > 1)).toEqual([]);
    // The first run reported two epochs of a trial.
    expect(reported.length).toBeLessThanOrEqual(10);
  });

  it('refuses another coordinator in its workdir or in a copy of it', async () => {
    const { directory, valkey, machines } = place;
    const { file, log } = writeEvaluations(directory, queueAt(valkey.url), {
      name: 'alone',
      body: `while (!existsSync(file('alone.go'))) await wait(20);`,
      search: '{ controller: random, trials: 2, parallel: 1, retries: 0 }',
    });
    await place.workers({ args: ['--allow-modules'] });
    const workdir = join(directory, 'alone');
    const copy = join(directory, 'copy');
    const run = runQueued({ file, workdir });
    await until(() => log().length === 1, 'it runs');
    const same = machines.nas(['resume', workdir]);
    expect(await same.over, same.output).toBe(4);
    expect(same.output).toContain(`process ${process.pid}`);
    cpSync(workdir, copy, { recursive: true });
    const other = machines.nas(['resume', copy]);
    expect(await other.over, other.output).toBe(4);
    expect(other.output).toContain(`process ${process.pid}`);
    writeFileSync(join(directory, 'alone.go'), '');
    expect((await run).state).toBe('complete');
    expect(log()).toHaveLength(2);
    // The lease is free now: the copy continues from its own state and gets its own answers.
    const { state, found } = await runQueued({ workdir: copy });
    expect({ state, trials: found.trials }).toEqual({ state: 'complete', trials: (await run).found.trials });
  });

  it('shares a queue with other runs, and each has its own results', async () => {
    const { directory, valkey } = place;
    const files = ['one', 'two'].map((name, i) =>
      writeTrainings(directory, queueAt(valkey.url), { name, seed: String(20 + i), train: '{ epochs: 2, batch: 32 }' }),
    );
    const alone = [];
    for (const [i, file] of files.entries())
      alone.push((await runInside(file, join(directory, `alone-${i}`))).expected);
    await place.workers({}, {});
    const together = await Promise.all(
      files.map((file, i) => runQueued({ file, workdir: join(directory, `together-${i}`) })),
    );
    expect(together.map(({ found }) => found)).toEqual(alone);
    expect(alone[0].weights).not.toEqual(alone[1].weights);
  });

  it('that is stopped withdraws waiting jobs, and continues later', async () => {
    const { directory, valkey, machines } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name: 'paused',
      train: '{ epochs: 6, batch: 32 }',
      search: '{ controller: random, trials: 3, parallel: 3, retries: 0 }',
    });
    const { expected } = await runInside(file, join(directory, 'unpaused'));
    const [worker] = await place.workers({ slots: 1 });
    const workdir = join(directory, 'paused');
    const stop = new AbortController();
    const before = await runQueued({ file, workdir, signal: stop.signal }, (event) => {
      if (event.kind === 'trial-epoch' && event.epoch === 1) stop.abort();
    });
    expect(before.state).toBe('interrupted');
    expect(existsSync(join(workdir, 'artifacts', 'search', '00000', 'checkpoint.bin'))).toBe(true);
    const jobs = async () => (await machines.workers(valkey.url)).find(({ pid }) => pid === worker.pid)?.jobs;
    await expect.poll(jobs).toEqual([]);
    const after = await runQueued({ workdir });
    expect(after.found).toEqual(expected);
    const reported = [...epochsReported([...before.events, ...after.events])];
    expect(reported).toHaveLength(18);
    expect(reported.filter(([, times]) => times > 1)).toEqual([]);
  });
});
