import { expect, it } from 'vitest';
import { withQuery } from '../../../ui/data/addresses.js';

it('writes what is asked behind the path, and reads the same again', () => {
  expect(withQuery('/a', { trials: '1,2', only: undefined })).toBe('/a?trials=1,2');
  expect(withQuery('/a', { only: undefined })).toBe('/a');
  const { searchParams } = new URL(withQuery('/a', { x: 'a & b=c, d', y: '' }), 'http://localhost');
  expect(Object.fromEntries(searchParams)).toEqual({ x: 'a & b=c, d', y: '' });
});
