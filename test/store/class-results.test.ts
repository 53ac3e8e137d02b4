import { expect, it } from 'vitest';
import type { ClassResult } from '../../store/index.js';
import { newStore, newTrial } from './support.js';

const details = {
  type: 'classification' as const,
  confusion: [
    [5, 1, 0],
    [0, 0, 0],
    [2, 0, 7],
  ],
  calibrationError: 0.125,
};
const result: ClassResult = {
  stage: 'search',
  precision: 'fp32',
  split: 'validation',
  classes: ['cat', 'dog', 'fox'],
  details,
};

it('results by class are kept by stage, precision and split; a later one replaces an earlier one', () => {
  const { store } = newStore();
  for (const number of [0, 1]) store.trials.ask(newTrial(number));
  const confusion = [...details.confusion.slice(0, 2), [0, 0, 9]];
  const better = { ...result, details: { ...details, calibrationError: 0.0625, confusion } };
  const test: ClassResult = { ...result, stage: 'final', split: 'test' };
  store.classResults.add(0, result);
  store.classResults.add(0, test);
  store.classResults.add(0, better);
  expect(store.classResults.of(0)).toEqual([test, better]);
  expect(store.classResults.of(1)).toEqual([]);
  expect([...store.classResults.ofSome([0, 1]).keys()]).toEqual([0]);
  const invalid = { ...result, details: { ...details, calibrationError: NaN } };
  expect(() => store.classResults.add(1, invalid)).toThrow('calibration error of trial 1');
});

it('results by label and by number are kept', () => {
  const { store } = newStore();
  store.trials.ask(newTrial(0));
  const label = {
    count: 0,
    precision: 0,
    recall: null,
    f1: 0,
    averagePrecision: null,
    errors: { averagePrecision: 0 },
  };
  const labels: ClassResult = {
    ...result,
    classes: ['red'],
    details: { type: 'multi-label', labels: [label], errors: { score: 0, macro_f1: 0.1 } },
  };
  const numbers: ClassResult = {
    ...result,
    stage: 'final',
    classes: ['age'],
    details: {
      type: 'regression',
      numbers: [{ mae: 4.5, rmse: 6, r2: -0.25, errors: { mae: 0.5, rmse: 1, r2: 0.25 } }],
      errors: { score: 0.25, mae: 0.5 },
    },
  };
  store.classResults.add(0, labels);
  store.classResults.add(0, numbers);
  expect(store.classResults.of(0)).toEqual([labels, numbers]);
});
