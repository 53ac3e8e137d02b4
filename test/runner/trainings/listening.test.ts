import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { collectProvenance } from '../../../reports/read-model/provenance.js';
import { untaught } from '../../../runner/trainings/listening.js';
import { experimentOf } from '../../../runner/stored/experiment.js';
import { trainSchema } from '../../../trainers/index.js';
import { cachedFolder, reading, writeExperiment } from '../experiment.js';
import { interruptInside, runInside } from '../inside.js';

const directory = cachedFolder();

/** A teacher that has learned nothing, and students that learn fast. */
const weak = {
  teacher: '{ type: train, network: mobilenet, width: 0.25, epochs: 1, learning_rate: 1.0e-9 }',
  train: '{ epochs: 8, batch: 16, augment: [], loss: { type: kd, alpha: 0.1 } }',
  search: '{ controller: random, trials: 3, parallel: 2 }',
  final: '{ epochs: 1 }',
};

const leftIn = (workdir: string) =>
  reading(workdir, (store) => ({
    events: store.events.of('teacher-left').map(({ trial, detail }) => ({ trial, ...(detail as object) })),
    teacher: collectProvenance(store, experimentOf(store), undefined).teacher,
  }));

const knowsLess =
  /^The teacher, mobilenet .* knows less than its students: its accuracy is .*, that of the best student .*/;

describe('a teacher that knows less than its students', { timeout: 300_000 }, () => {
  it('is left during the search, which is said; a run that was interrupted decides the same', async () => {
    const file = writeExperiment(directory, { name: 'search', ...weak });
    const workdir = join(directory, 'search');
    const { expected, events } = await runInside(file, workdir);
    const { events: left, teacher } = leftIn(workdir);
    expect(left).toHaveLength(1);
    const { trial, message } = left[0] as { trial: number; message: string };
    expect(message).toMatch(knowsLess);
    expect(message).toContain(`. From trial ${trial} on, students learn from the labels alone`);
    expect(trial).toBeGreaterThan(0);
    expect(events).toContainEqual({ kind: 'warning', message });
    expect(teacher).toContain(`; left from trial ${trial} on, as students know more`);
    const again = join(directory, 'interrupted');
    expect(await interruptInside(file, again, 1)).toEqual(expected);
    expect(leftIn(again).events).toEqual(left);
  });

  it('is left in the final trainings alone where the search ends first', async () => {
    const search = '{ controller: random, trials: 1 }';
    const workdir = join(directory, 'final');
    await runInside(writeExperiment(directory, { name: 'final', ...weak, search }), workdir);
    const { events, teacher } = leftIn(workdir);
    expect(events).toMatchObject([{ trial: null }]);
    expect((events[0] as unknown as { message: string }).message).toContain(
      '. The final trainings learn from the labels alone',
    );
    expect(teacher).toContain('; left in the final trainings, as students know more');
  });

  it('leaves the settings of the labels as they are', () => {
    const kd = trainSchema.parse({ loss: { type: 'kd', label_smoothing: 0.1 } });
    expect(untaught(kd)).toEqual({ ...kd, loss: { type: 'cross-entropy', label_smoothing: 0.1 } });
    const dkd = trainSchema.parse({ loss: { type: 'dkd' } });
    expect(untaught(dkd).loss).toEqual({ type: 'cross-entropy', label_smoothing: 0 });
    const labels = trainSchema.parse({ loss: { type: 'cross-entropy' } });
    expect(untaught(labels)).toBe(labels);
  });
});
