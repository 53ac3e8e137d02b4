import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithValkey } from '../../support/valkey.js';
import { findings } from '../../runner/findings.js';
import { runInside } from '../../runner/inside.js';
import { brief, until, type Command } from './machines.js';
import { preparePlace } from './place.js';
import { queueAt, retriesOf, runQueued, writeEvaluations, writeTrainings } from './searches.js';

describeWithValkey('a worker that was believed dead', () => {
  const place = preparePlace();

  it('gives a late answer, which is dropped', async () => {
    const { directory, valkey, machines } = place;
    const { file, log } = writeEvaluations(directory, queueAt(valkey.url), {
      name: 'late',
      // The first evaluation takes long; later ones are quick.
      body: `
        const first = file('late.pid');
        try { writeFileSync(first, String(process.pid), { flag: 'wx' }); } catch {}
        if (readFileSync(first, 'utf8') === String(process.pid)) await wait(3000);
        log('done ' + seed);
      `,
      search: '{ controller: random, trials: 3, parallel: 1, retries: 1 }',
    });
    const mortal = { silence: brief, args: ['--allow-modules'] };
    const workers = await place.workers(mortal, mortal);
    const workdir = join(directory, 'late');
    const run = runQueued({ file, workdir });
    await until(() => log().length === 1, 'the first trial is asked for');
    const sleeper = await machines.busy(valkey.url, ...workers);
    sleeper.signalAll('SIGSTOP');
    const { state, found, events } = await run;
    expect(state).toBe('complete');
    expect(retriesOf(events)).toMatchObject([{ number: 0, attempt: 2 }]);
    expect(found.trials.map((trial) => trial.state)).toEqual(['complete', 'complete', 'complete']);
    sleeper.signalAll('SIGCONT');
    // It learns that it lost the job, and goes on.
    await until(
      async () => {
        const record = (await machines.workers(valkey.url)).find(({ pid }) => pid === sleeper.pid);
        return record !== undefined && record.jobs.length === 0;
      },
      () => `it does nothing: ${sleeper.output}`,
    );
    expect(findings(workdir)).toEqual(found);
    expect(sleeper.isRunning()).toBe(true);
  });

  it('does not disturb the worker that continued its training', async () => {
    const { directory, valkey, machines } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name: 'frozen',
      train: '{ epochs: 16, batch: 32, checkpoint_seconds: 0.1 }',
      search: '{ controller: random, trials: 1, parallel: 1, retries: 3 }',
    });
    const { expected } = await runInside(file, join(directory, 'reference'));
    const workers = await place.workers({ silence: brief }, { silence: brief });
    let sleeper: Promise<Command> | undefined;
    const freeze = async () => {
      const busy = await machines.busy(valkey.url, ...workers);
      busy.signalAll('SIGSTOP');
      return busy;
    };
    const wake = (command: Command) => command.signalAll('SIGCONT');
    let woken: Promise<void> | undefined;
    let retried = false;
    const { found, events } = await runQueued({ file, workdir: join(directory, 'frozen') }, (event) => {
      if (event.kind === 'trial-epoch') {
        sleeper ??= freeze();
        // Now both train it, from different epochs.
        if (event.epoch >= 5 && retried) woken ??= sleeper.then(wake);
      }
      if (event.kind === 'trial-retried') retried = true;
    });
    await woken;
    expect(woken, 'it was woken in the middle').toBeDefined();
    expect(found).toEqual(expected);
    expect(retriesOf(events)).toHaveLength(1);
  });
});
