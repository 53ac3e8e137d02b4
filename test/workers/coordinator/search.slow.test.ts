import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { readMetadata } from '../../../deploy/index.js';
import { frontierModel } from '../../../runner/stored/workdir.js';
import { makeBoxedImages } from '../../support/boxed-images.js';
import { describeWithValkey } from '../../support/valkey.js';
import { writeBoxesExperiment } from '../../runner/boxes-experiment.js';
import { writeExperiment } from '../../runner/experiment.js';
import { runInside } from '../../runner/inside.js';
import { preparePlace } from '../reliability/place.js';
import { queueAt, runQueued } from '../reliability/searches.js';

describeWithValkey('a search through a queue', () => {
  const place = preparePlace();

  it('on three workers equals a search on one machine bit for bit: teacher, trials, frontier, files', async () => {
    const { directory, valkey } = place;
    const engine = '{ threads: 1 }';
    const search = '{ controller: local, trials: 6, startup: 3, parallel: 3, retries: 3 }';
    const file = writeExperiment(directory, { name: 'whole', engine, search, workers: queueAt(valkey.url) });
    const { expected } = await runInside(file, join(directory, 'local'));
    await place.workers({}, {}, {});
    const { state, found, events } = await runQueued({ file, workdir: join(directory, 'queued') });
    expect(state).toBe('complete');
    expect(found).toEqual(expected);
    expect(found.finals.length).toBeGreaterThan(0);
    expect(found.models.every(({ exists }) => exists)).toBe(true);
    const workersUsed = new Set(events.flatMap((event) => (event.kind === 'trial-started' ? [event.worker] : [])));
    expect(workersUsed.size).toBe(3);
  });

  it('of detectors on two workers equals one on one machine bit for bit, with the thresholds of its files', async () => {
    const { directory, valkey } = place;
    const data = await makeBoxedImages(join(directory, 'boxes'), { count: 50 });
    const search = { controller: 'local', startup: 3, trials: 3, parallel: 2 };
    const changes = { search, engine: { threads: 1 }, workers: parse(queueAt(valkey.url)) as unknown };
    const file = writeBoxesExperiment(directory, 'detectors', data, changes);
    const { expected } = await runInside(file, join(directory, 'detectors-local'));
    await place.workers({}, {});
    const { state, found } = await runQueued({ file, workdir: join(directory, 'detectors-queued') });
    expect(state).toBe('complete');
    expect(found).toEqual(expected);
    const [{ trial }] = found.finals;
    const { detection } = readMetadata(readFileSync(join(directory, 'detectors-queued', frontierModel(trial, 'fp32'))));
    expect(detection?.thresholds).toHaveLength(2);
  });
});
