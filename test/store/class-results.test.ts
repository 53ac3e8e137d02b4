import { expect, it } from 'vitest';
import type { ClassResult } from '../../store/index.js';
import { newStore, newTrial } from './support.js';

const result: ClassResult = {
  stage: 'search',
  precision: 'fp32',
  split: 'validation',
  classes: ['cat', 'dog', 'fox'],
  confusion: [
    [5, 1, 0],
    [0, 0, 0],
    [2, 0, 7],
  ],
  calibrationError: 0.125,
};

it('results by class are kept by stage, precision and split; a later one replaces an earlier one', () => {
  const { store } = newStore();
  for (const number of [0, 1]) store.trials.ask(newTrial(number));
  const better = { ...result, calibrationError: 0.0625, confusion: [...result.confusion.slice(0, 2), [0, 0, 9]] };
  const test: ClassResult = { ...result, stage: 'final', split: 'test' };
  store.classResults.add(0, result);
  store.classResults.add(0, test);
  store.classResults.add(0, better);
  expect(store.classResults.of(0)).toEqual([test, better]);
  expect(store.classResults.of(1)).toEqual([]);
  expect([...store.classResults.ofSome([0, 1]).keys()]).toEqual([0]);
  expect(() => store.classResults.add(1, { ...result, calibrationError: NaN })).toThrow('calibration error of trial 1');
});
