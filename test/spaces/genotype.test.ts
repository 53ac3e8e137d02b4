import { describe, expect, it } from 'vitest';
import { genotypeOf } from '../../spaces/index.js';

const decisions = [
  { name: 'op', choices: ['none', 'skip'] },
  { name: 'kernel', choices: [3, 5] },
] as const;

describe('genotypeOf', () => {
  it('reads text and values, by name, and ignores other cells', () => {
    expect(genotypeOf(decisions, { kernel: '5', op: 'none', latency: '3.5' })).toEqual([0, 1]);
    expect(genotypeOf(decisions, { op: 'skip', kernel: 3 })).toEqual([1, 0]);
  });

  it('says which decision has no such choice, and which are expected', () => {
    expect(() => genotypeOf(decisions, { op: 'conv', kernel: 3 })).toThrow(
      'op: got "conv"; expected one of none, skip',
    );
    expect(() => genotypeOf(decisions, { op: 'skip' })).toThrow('kernel: there is no value; expected one of 3, 5');
  });
});
