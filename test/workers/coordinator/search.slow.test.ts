import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithValkey } from '../../support/valkey.js';
import { writeExperiment } from '../../runner/experiment.js';
import { runInside } from '../../runner/inside.js';
import { preparePlace } from '../reliability/place.js';
import { queueAt, runQueued } from '../reliability/searches.js';

describeWithValkey('a search through a queue', () => {
  const place = preparePlace();

  it('on three workers equals a search on one machine bit for bit: teacher, trials, frontier, files', async () => {
    const { directory, valkey, machines } = place;
    const engine = '{ threads: 1 }';
    const search = '{ controller: nsga2, trials: 6, population: 3, parallel: 3, retries: 3 }';
    const file = writeExperiment(directory, { name: 'whole', engine, search, workers: queueAt(valkey.url) });
    const workers = [0, 1, 2].map(() => machines.worker(valkey.url));
    const { expected } = await runInside(file, join(directory, 'local'));
    await machines.ready(valkey.url, ...workers);
    const { state, found, events } = await runQueued({ file, workdir: join(directory, 'queued') });
    expect(state).toBe('complete');
    expect(found).toEqual(expected);
    expect(found.finals.length).toBeGreaterThan(0);
    expect(found.models.every(({ exists }) => exists)).toBe(true);
    const workersUsed = new Set(events.flatMap((event) => (event.kind === 'trial-started' ? [event.worker] : [])));
    expect(workersUsed.size).toBe(3);
  });
});
