import { describe, expect, it } from 'vitest';
import { moved, runsAddress, runsIn, trialsIn } from '../../../ui/data/addresses.js';

const queryOf = (address: string, name: string) =>
  new URL(address, 'http://localhost').searchParams.get(name) ?? undefined;

describe('what is compared, in an address', () => {
  it('keeps trials in their order, each once, and six at most', () => {
    expect(trialsIn('3,1,3, 2')).toEqual([3, 1, 2]);
    expect(trialsIn('1,2,3,4,5,6,7')).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('leaves out what is no number of a trial', () => {
    expect(trialsIn('-1,x,1.5,,99999999999')).toEqual([]);
    expect(trialsIn(undefined)).toEqual([]);
  });

  it('keeps runs whatever their folders are called', () => {
    const runs = ['a b', 'c&d', 'ä/..', 'a,b', '100%2C'];
    expect(runsIn(queryOf(runsAddress(runs), 'runs'))).toEqual(runs);
    expect(runsAddress([])).toBe('/compare');
  });

  it('moves a column to the front or the end, and no further', () => {
    expect(moved([1, 2, 3], 1, -1)).toEqual([2, 1, 3]);
    expect(moved([1, 2, 3], 1, 1)).toEqual([1, 3, 2]);
    expect(moved([1, 2, 3], 2, 1)).toEqual([1, 2, 3]);
    expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
  });
});
