import { describe, expect, it } from 'vitest';
import type { RunAnswer } from '../../../../experiments/page/api.js';
import { axisInAddress, axisNames, flagIn, planeIn } from '../../../../ui/pages/run/frontier-marks.js';
import { candidatesOf } from '../columns.js';

// Only its objectives are asked for here.
const info = {
  objectives: [
    { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
    { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
  ],
} as unknown as RunAnswer;

describe('the axes of a picture', () => {
  const names = ['accuracy', 'latency_ms', 'macs'];

  it('are the first two objectives where an address says nothing, or nothing that is known', () => {
    expect(planeIn({}, info, names)).toEqual({ x: 'latency_ms', y: 'accuracy' });
    expect(planeIn({ x: 'other', y: 'constructor' }, info, names)).toEqual({ x: 'latency_ms', y: 'accuracy' });
  });

  it('are what an address says, the number of trials among it', () => {
    expect(planeIn({ x: 'macs', y: 'latency_ms' }, info, names)).toEqual({ x: 'macs', y: 'latency_ms' });
    for (const x of ['macs', null]) expect(planeIn({ x: axisInAddress(x) }, info, names)).toEqual({ x, y: 'accuracy' });
  });

  it('can be whatever has a number, objectives first', () => {
    const known = candidatesOf([{ number: 0, values: { macs: 3, accuracy: 0.5 }, finalAccuracy: 0.6 }]);
    expect(axisNames(info, known)).toEqual(['accuracy', 'latency_ms', 'macs', 'final_accuracy']);
  });

  it('are logarithmic as the address says', () => {
    expect([undefined, '1', '0', 'x'].map(flagIn)).toEqual([undefined, true, false, false]);
  });
});
