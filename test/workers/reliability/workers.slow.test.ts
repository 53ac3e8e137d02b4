import { appendFileSync, cpSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { describeWithValkey } from '../../support/valkey.js';
import { runInside } from '../../runner/inside.js';
import { preparePlace } from './place.js';
import { epochsReported, queueAt, retriesOf, runQueued, writeEvaluations, writeTrainings } from './searches.js';
import { brief, until, type Command } from './machines.js';

const checkpointSchema = z.object({ position: z.object({ epoch: z.number() }) });

describeWithValkey('workers of a queue', () => {
  const place = preparePlace();

  it('continue from the last checkpoint of a worker that was killed during a training', async () => {
    const { directory, valkey, machines } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name: 'killed',
      train: '{ epochs: 12, batch: 32, checkpoint_seconds: 0.1 }',
      search: '{ controller: random, trials: 1, parallel: 1, retries: 1 }',
    });
    const { expected } = await runInside(file, join(directory, 'reference'));
    const workers = await place.workers({ silence: brief }, { silence: brief });
    const workdir = join(directory, 'killed');
    const checkpoint = join(workdir, 'artifacts', 'search', '00000', 'checkpoint.bin');
    let killed: Promise<void> | undefined;
    // Epochs that the run had of the first worker when it was killed.
    let kept = 0;
    const { found, events } = await runQueued({ file, workdir }, (event) => {
      if (killed !== undefined || event.kind !== 'trial-epoch' || !existsSync(checkpoint)) return;
      kept = checkpointSchema.parse(readTensorFile(checkpoint).meta).position.epoch;
      if (kept >= 2) killed = machines.busy(valkey.url, ...workers).then((worker) => worker.kill());
    });
    await killed;
    expect(kept).toBeGreaterThanOrEqual(2);
    expect(workers.filter((worker) => worker.isRunning())).toHaveLength(1);
    expect(found).toEqual(expected);
    expect(retriesOf(events)).toMatchObject([{ number: 0, attempt: 2, attempts: 2 }]);
    const reported = epochsReported(events);
    expect(reported.size).toBe(12);
    for (let epoch = 0; epoch < kept; epoch++) expect(reported.get(`0/${epoch}`)).toBe(1);
  });

  it('fail a trial that kills three of them, with the reason; the run continues', async () => {
    const { directory, valkey } = place;
    const { file, log } = writeEvaluations(directory, queueAt(valkey.url), {
      name: 'poison',
      // The first trial kills its worker, on each machine.
      body: `
        const poison = file('poison.seed');
        try { writeFileSync(poison, String(seed), { flag: 'wx' }); } catch {}
        if (readFileSync(poison, 'utf8') === String(seed)) { log('ended ' + seed); process.kill(process.ppid, 'SIGKILL'); await wait(60_000); }
      `,
    });
    const mortal = { silence: brief, args: ['--allow-modules'] };
    const workers = await place.workers(mortal, mortal, mortal, mortal);
    const { state, found } = await runQueued({ file, workdir: join(directory, 'poison') });
    expect(state).toBe('complete');
    expect(log().filter((line) => line.startsWith('ended'))).toHaveLength(3);
    expect(workers.filter((worker) => worker.isRunning())).toHaveLength(1);
    const failed = found.trials.filter((trial) => trial.state === 'failed');
    expect(failed).toHaveLength(1);
    expect(failed[0].message).toMatch(/worker/);
    expect(found.trials.filter((trial) => trial.state === 'complete')).toHaveLength(5);
  });

  it('give the same results with clocks that are wrong by an hour', async () => {
    const { directory, valkey } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), { name: 'clocks' });
    const { expected } = await runInside(file, join(directory, 'right'));
    const ahead = (hours: number) => {
      const shift = `const now = Date.now; Date.now = () => now() + ${hours * 3_600_000};`;
      return { env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(shift)}` } };
    };
    await place.workers(ahead(1), ahead(-1));
    const { found, events } = await runQueued({ file, workdir: join(directory, 'wrong') });
    expect(found).toEqual(expected);
    expect(retriesOf(events)).toEqual([]);
  });

  it('return their jobs when they are stopped, and other workers continue them', async () => {
    const { directory, valkey, machines } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name: 'stopped',
      train: '{ epochs: 8, batch: 32 }',
      search: '{ controller: random, trials: 1, parallel: 1, retries: 0 }',
    });
    const { expected } = await runInside(file, join(directory, 'unstopped'));
    const [first] = await place.workers({});
    let second: Command | undefined;
    const { found, events } = await runQueued({ file, workdir: join(directory, 'stopped') }, (event) => {
      if (event.kind !== 'trial-epoch' || event.epoch !== 2) return;
      first.child.kill('SIGTERM');
      second = machines.worker(valkey.url);
    });
    expect(await first.over, first.output).toBe(0);
    expect(second?.isRunning()).toBe(true);
    expect(found).toEqual(expected);
    // A stop is no death, so no attempt was lost.
    expect(retriesOf(events)).toEqual([]);
    expect([...epochsReported(events).values()]).toEqual(Array.from({ length: 8 }, () => 1));
  });
});

describeWithValkey('a worker of another build', () => {
  const place = preparePlace();

  it('gets no jobs, and both sides report it', async () => {
    const { directory, valkey, machines } = place;
    const other = anotherBuild(directory);
    const { file } = writeEvaluations(directory, queueAt(valkey.url));
    const [foreign] = await place.workers({ main: other, args: ['--allow-modules'] });
    const reported: string[] = [];
    const run = runQueued({ file, workdir: join(directory, 'other-build') }, (event) => {
      if (event.kind === 'note' || event.kind === 'warning') reported.push(event.message);
    });
    await until(
      () => reported.some((message) => /runs nas \S+, not /.test(message)),
      () => `the run reports the build:\n${reported.join('\n')}`,
    );
    await foreign.said(/not 0\.1\.0-/);
    const [{ jobs }] = await machines.workers(valkey.url);
    expect(jobs).toEqual([]);
    machines.worker(valkey.url, { args: ['--allow-modules'] });
    expect((await run).state).toBe('complete');
    expect(foreign.output).not.toMatch(/evaluate/);
  });
});

/** A copy of the built package with other content. @returns its command. */
function anotherBuild(directory: string): string {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const copy = join(directory, 'other');
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  appendFileSync(join(copy, 'dist', 'cli', 'main.js'), '// another build\n');
  return join(copy, 'dist', 'cli', 'main.js');
}
