import { smallSpace } from '../../../runner/experiment.js';
import { trainingBase, type KeyFiles } from '../files.js';
import { row, type Row } from '../row.js';
import { boxesBase, onBoxes, ownBoxRows } from './boxes.js';
import { dataRows } from './data.js';
import { otherRows } from './others.js';
import { fidelityRows, logRows, searchRows, workerRows } from './search.js';
import { spaceRows } from './spaces.js';
import { furtherRows, trainingRows } from './training.js';

/** The experiment that the rows of a kind change, and its rows. */
export interface KindOfRows {
  readonly whole: object;
  readonly rows: readonly Row[];
}

const training = (files: KeyFiles): KindOfRows => ({
  whole: trainingBase(files.idx),
  rows: [
    ...dataRows(files),
    ...spaceRows(files.modules),
    ...trainingRows(),
    ...furtherRows(files.supernets),
    ...searchRows(files),
    ...fidelityRows(),
    ...workerRows(),
    ...logRows(),
    ...otherRows(files),
  ],
});

/** Trainings of detectors. */
const boxes = (files: KeyFiles): KindOfRows => ({
  whole: boxesBase(trainingBase(files.idx), files),
  rows: [...ownBoxRows(files), ...onBoxes(training(files).rows)],
});

const table = (files: KeyFiles): KindOfRows => {
  const named = (key: string, values: readonly unknown[], base: object = {}) =>
    row(`objectives[].${key}`, values, 'asked', { search: { controller: 'surrogate', trials: 20 }, ...base });
  return {
    whole: {
      name: 'keys',
      seed: 1,
      space: { type: 'table', file: files.results[0], decisions: ['depth', 'kernel', 'act'], seconds: 'secs' },
      objectives: [
        { name: 'accuracy', column: 'acc', direction: 'maximize' },
        { name: 'latency', column: 'ms', direction: 'minimize' },
      ],
      search: { controller: 'random', trials: 4, parallel: 1 },
    },
    rows: [
      row('name', ['one', 'other'], 'resolved'),
      row('seed', [1, 2], 'asked'),
      row('space.file', files.results, 'outcomes'),
      row(
        'space.decisions',
        [
          ['depth', 'kernel', 'act'],
          ['act', 'depth', 'kernel'],
        ],
        'asked',
      ),
      row('space.seconds', ['secs', undefined], 'times'),
      row('objectives[].name', ['accuracy', 'top1'], 'outcomes'),
      named('column', ['acc', 'ms']),
      named('direction', ['maximize', 'minimize']),
      named('cost', ['cheap', 'expensive']),
      named('constraint.min', [0, 0.88]),
      named('constraint.max', [0.8, 1]),
      ...searchRows({ ...files, ...files.ofTable }),
      ...workerRows(),
      ...logRows(),
    ],
  };
};

const study = (files: KeyFiles): KindOfRows => {
  const own = (key: string, values: readonly unknown[], objective: object) =>
    row(`objectives[].${key}`, values, 'asked', {
      objectives: [objective, { name: 'own', direction: 'maximize' }],
      search: { controller: 'surrogate', trials: 16 },
    });
  return {
    whole: {
      name: 'keys',
      seed: 1,
      space: smallSpace,
      evaluate: { type: 'tell', input: [32, 32, 1], classes: 10, epochs: 4 },
      objectives: ['accuracy', 'macs'],
      search: { controller: 'random', trials: 4 },
    },
    rows: [
      row('name', ['one', 'other'], 'resolved'),
      row('seed', [1, 2], 'asked'),
      row(
        'evaluate.input',
        [
          [32, 32, 1],
          [28, 28, 1],
        ],
        'space',
      ),
      row('evaluate.classes', [10, 11], 'space'),
      row('evaluate.epochs', [4, 9], 'steps', { search: { trials: 9, fidelity: { type: 'freeze-thaw' } } }),
      own('name', ['told', 'params'], { direction: 'minimize' }),
      own('direction', ['maximize', 'minimize'], { name: 'told' }),
      own('constraint.min', [0, 100_000], { name: 'macs' }),
      own('constraint.max', [100_000, 1_000_000], { name: 'macs' }),
      ...spaceRows(files.modules),
      ...searchRows(files),
      ...fidelityRows(),
    ],
  };
};

export const kinds = { training, boxes, table, study } as const;
