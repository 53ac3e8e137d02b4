import { describe, expect, it } from 'vitest';
import type { RunAnswer } from '../../../../reports/page/api.js';
import {
  axisInAddress,
  axisNames,
  flagIn,
  frontierMarks,
  planeIn,
  type MarksInput,
} from '../../../../ui/pages/run/frontier-marks.js';
import { candidatesOf } from '../../data/columns.js';
import { objectives } from '../../../search/support.js';

const candidates = candidatesOf([
  {
    number: 0,
    values: { accuracy: 0.8, latency_ms: 1 },
    provenance: { latency_ms: 'measured' },
    certainty: { latency_ms: { interval: [0.9, 1.1], unreliable: 'busy' } },
    finalAccuracy: 0.85,
  },
  {
    number: 1,
    values: { accuracy: 0.7, latency_ms: 2 },
    provenance: { latency_ms: 'predicted' },
    enqueued: 'baseline',
  },
  { number: 2, values: { accuracy: 0.6, latency_ms: 3 }, provenance: { latency_ms: 'measured' } },
  { number: 3, state: 'pruned', values: { accuracy: 0.3, latency_ms: 1.5 } },
  { number: 4, state: 'running', values: { accuracy: 0.2, latency_ms: 1.5 } },
  { number: 5, values: { latency_ms: 9 } },
  {
    number: 6,
    values: { accuracy: 0.75, latency_ms: 0.5 },
    provenance: { latency_ms: 'predicted' },
    finalAccuracy: 0.7,
  },
  { number: 6, precision: 'int8', chosen: false, values: { accuracy: 0.1, latency_ms: 0.6 } },
]);

const input: MarksInput = {
  candidates,
  frontier: [
    { number: 6, precision: 'fp32', rivals: [] },
    { number: 0, precision: 'fp32', rivals: [2] },
  ],
  plane: { x: 'latency_ms', y: 'accuracy' },
  accuracy: true,
  precisions: false,
  dominated: true,
  test: null,
};

const cloudsOf = (marks: ReturnType<typeof frontierMarks>) =>
  marks.clouds.map(({ series, predicted, xy, keyAt }) => ({
    series,
    predicted,
    xy: [...xy],
    numbers: Array.from({ length: xy.length / 2 }, (_, i) => keyAt(i).number),
  }));

describe('frontierMarks', () => {
  it('draws members as points with interval and final accuracy, and labels the upper mark', () => {
    const place = 'within noise of #2; unreliable latency';
    const zero = { key: { number: 0, precision: 'fp32' }, x: 1, predicted: false, unreliable: 'busy', place };
    const six = { key: { number: 6, precision: 'fp32' }, x: 0.5, place: 'sure' };
    expect(frontierMarks(input).points.filter(({ key }) => key.number !== 1)).toEqual([
      { ...zero, series: 'frontier', y: 0.8, intervals: { x: [0.9, 1.1] } },
      { ...zero, series: 'final', y: 0.85, from: 0.8, label: '#0 ?' },
      { ...six, series: 'frontier', y: 0.75, predicted: true, label: '#6', intervals: {} },
      { ...six, series: 'final', y: 0.7, predicted: false, from: 0.75 },
    ]);
  });

  it('leaves out the marks of other trials than those of a filter, and keeps the line of the frontier', () => {
    const { points, clouds, members } = frontierMarks({ ...input, test: (row) => candidates.number[row] === 0 });
    expect([points.map(({ key }) => key.number), clouds]).toEqual([[0, 0], []]);
    expect(members.flatMap(({ x, y }) => [x, y])).toEqual([1, 0.8, 0.5, 0.75]);
  });

  it('draws other trials as clouds by state and provenance, and baselines in addition', () => {
    const marks = frontierMarks(input);
    expect(cloudsOf(marks)).toEqual([
      { series: 'trial', predicted: true, xy: [2, 0.7], numbers: [1] },
      { series: 'trial', predicted: false, xy: [3, 0.6], numbers: [2] },
      { series: 'stopped', predicted: false, xy: [1.5, 0.3], numbers: [3] },
    ]);
    expect(marks.points).toContainEqual({
      series: 'enqueued',
      key: { number: 1, precision: 'fp32' },
      x: 2,
      y: 0.7,
      predicted: true,
      label: 'baseline',
    });
  });

  it('can leave out other trials, but not baselines', () => {
    const marks = frontierMarks({ ...input, dominated: false });
    expect(marks.clouds).toEqual([]);
    expect(marks.points.map(({ series }) => series)).toContain('enqueued');
  });

  it('has final accuracies only on an accuracy axis, and no marks on an unknown axis', () => {
    const swapped = frontierMarks({ ...input, plane: { x: null, y: 'latency_ms' }, accuracy: false });
    expect(swapped.points.map(({ series }) => series)).not.toContain('final');
    expect(swapped.points.find(({ key }) => key.number === 0)).toMatchObject({ x: 0, y: 1 });
    expect(frontierMarks({ ...input, plane: { x: 'unknown', y: 'accuracy' } }).points).toEqual([]);
  });
});

describe('the axes of the frontier chart', () => {
  // Only the objectives are used here.
  const info = { objectives } as unknown as RunAnswer;
  const names = ['accuracy', 'latency_ms', 'macs'];

  it('are the first two objectives where the address names none, or an unknown one', () => {
    expect(planeIn({}, info, names)).toEqual({ x: 'latency_ms', y: 'accuracy' });
    expect(planeIn({ x: 'other', y: 'constructor' }, info, names)).toEqual({ x: 'latency_ms', y: 'accuracy' });
  });

  it('are those of the address, including the trial number', () => {
    expect(planeIn({ x: 'macs', y: 'latency_ms' }, info, names)).toEqual({ x: 'macs', y: 'latency_ms' });
    for (const x of ['macs', null]) expect(planeIn({ x: axisInAddress(x) }, info, names)).toEqual({ x, y: 'accuracy' });
    expect([undefined, '1', '0', 'x'].map(flagIn)).toEqual([undefined, true, false, false]);
  });

  it('can be any number, objectives first', () => {
    const known = candidatesOf([{ number: 0, values: { macs: 3, accuracy: 0.5 }, finalAccuracy: 0.6 }]);
    expect(axisNames(info, known)).toEqual(['accuracy', 'latency_ms', 'macs', 'final_accuracy']);
  });
});
