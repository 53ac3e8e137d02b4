import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithValkey } from '../../support/valkey.js';
import { preparePlace } from './place.js';
import { queueAt, runQueued, writeTrainings } from './searches.js';
import { reading } from '../../runner/experiment.js';

describeWithValkey('latency on a worker', () => {
  const place = preparePlace();

  it('is measured on a worker with the tag, and on no other', async () => {
    const { directory, valkey } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), {
      name: 'measured',
      train: '{ epochs: 3, batch: 32 }',
      latency: '{ device: { type: worker, tag: pi5 }, calibration: 4 }',
      objectives: '[{ name: accuracy }, { name: latency }]',
    });
    const [trains, measures] = await place.workers({ slots: 2 }, { args: ['--tag', 'pi5'] });
    const workdir = join(directory, 'measured');
    const { state, events } = await runQueued({ file, workdir });
    expect(state).toBe('complete');
    expect(events.filter(({ kind }) => kind === 'measured').length).toBeGreaterThan(0);
    const devices = reading(workdir, ({ measurements }) => measurements.all().map(({ device }) => device));
    expect(new Set(devices)).toEqual(new Set(['worker/pi5/cpu/1 thread/batch 1']));
    // A worker with the tag also does all other jobs; a worker without it measures nothing.
    expect(trains.output).not.toMatch(/calibration-/);
    expect(measures.output).toMatch(/calibration-/);
  });
});
