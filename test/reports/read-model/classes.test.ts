import { expect, it, onTestFinished } from 'vitest';
import { collectFinals, classReport } from '../../../reports/index.js';
import { classReportOf } from '../../../reports/read-model/classes.js';
import { Store, type ClassResult } from '../../../store/index.js';
import { meta, newTrial } from '../../store/support.js';

const result = (right: number, changes: Partial<ClassResult> = {}): ClassResult => ({
  stage: 'final',
  precision: 'fp32',
  split: 'validation',
  classes: ['cat', 'dog'],
  details: {
    type: 'classification',
    confusion: [
      [90, 0],
      [10 - right, right],
    ],
    calibrationError: 0.1,
  },
  ...changes,
});

it('the final frontier is by the metrics of the final files, not by those of the search', () => {
  const objectives = [{ name: 'balanced_accuracy', direction: 'maximize', cost: 'expensive' }];
  const store = Store.inMemory({ ...meta, experiment: { name: 'test', objectives } });
  onTestFinished(() => store.close());
  for (const [number, searched, right] of [
    [0, 0.9, 2],
    [1, 0.8, 7],
  ] as const) {
    store.trials.ask(newTrial(number));
    const values = { balanced_accuracy: { value: searched, provenance: 'measured' } } as const;
    store.trials.finish(number, { state: 'complete', values });
    store.finals.finish(number, { state: 'complete', accuracy: 0.9, epochs: 1, seconds: 1 });
    store.classResults.add(number, result(right));
  }
  const finals = collectFinals(store);
  expect([0, 1].map((number) => finals.of({ number })?.onFrontier)).toEqual([false, true]);
});

it('a report is of the test images where they are known, in the precision of the network', () => {
  const results = [
    result(5, { stage: 'search' }),
    result(6, { split: 'test' }),
    result(1, { precision: 'int8', stage: 'search' }),
  ];
  const float = classReportOf(results, 'fp32');
  expect(float).toMatchObject({
    of: 'the test images, by the exported file',
    metrics: { worst_recall: 0.6 },
  });
  expect(float?.classes[1]).toMatchObject({ name: 'dog', count: 10, precision: 1, recall: 0.6, f1: 0.75 });
  expect(float?.confused).toEqual([{ actual: 'dog', predicted: 'cat', count: 4 }]);
  expect(classReportOf(results, 'int8')?.of).toBe('the validation images, in the search');
  expect(classReportOf([], 'fp32')).toBeUndefined();
});

it('a report of many classes has no matrix, but the ten most frequent confusions', () => {
  const classes = Array.from({ length: 30 }, (_, c) => `class ${c}`);
  const confusion = classes.map((_, a) => classes.map((_, p) => (a === p ? 0 : a === 3 ? p : 1)));
  const report = classReport(classes, { type: 'classification', confusion, calibrationError: 0 }, 'the test images');
  expect(report.matrix).toBeNull();
  expect(report.confused).toHaveLength(10);
  expect(report.confused[0]).toEqual({ actual: 'class 3', predicted: 'class 29', count: 29 });
  expect(report.classes[0]).toMatchObject({ precision: 0, recall: 0, f1: 0 });
});
