import { describe, expect, it } from 'vitest';
import { moved, runsAddress, runsIn, trialsIn, withQuery } from '../../../ui/data/addresses.js';

const queryOf = (address: string) => Object.fromEntries(new URL(address, 'http://localhost').searchParams);

describe('addresses', () => {
  it('add a query that reads the same again, with readable commas', () => {
    expect(withQuery('/a', { trials: '1,2', only: undefined })).toBe('/a?trials=1,2');
    expect(withQuery('/a', { only: undefined })).toBe('/a');
    expect(queryOf(withQuery('/a', { x: 'a & b=c, d', y: '' }))).toEqual({ x: 'a & b=c, d', y: '' });
  });

  it('keep compared trials in order, once each, and six at most', () => {
    expect(trialsIn('3,1,3, 2')).toEqual([3, 1, 2]);
    expect(trialsIn('1,2,3,4,5,6,7')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(trialsIn('-1,x,1.5,,99999999999')).toEqual([]);
    expect(trialsIn(undefined)).toEqual([]);
  });

  it('keep compared runs with any folder name', () => {
    const runs = ['a b', 'c&d', 'ä/..', 'a,b', '100%2C'];
    expect(runsIn(queryOf(runsAddress(runs))['runs'])).toEqual(runs);
    expect(runsAddress([])).toBe('/compare');
  });
});

it('a compared item moves to the front or the end, and no further', () => {
  expect(moved([1, 2, 3], 1, -1)).toEqual([2, 1, 3]);
  expect(moved([1, 2, 3], 1, 1)).toEqual([1, 3, 2]);
  expect(moved([1, 2, 3], 2, 1)).toEqual([1, 2, 3]);
  expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
});
