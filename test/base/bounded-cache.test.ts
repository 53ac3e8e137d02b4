import { expect, it } from 'vitest';
import { BoundedCache } from '../../base/bounded-cache.js';

it('computes once for each key, and keeps no more than its limit', () => {
  const cache = new BoundedCache<string>(3);
  const computed: string[] = [];
  const of = (key: string) =>
    cache.of(key, () => {
      computed.push(key);
      return key.toUpperCase();
    });
  expect(['a', 'b', 'a', 'c', 'b'].map(of)).toEqual(['A', 'B', 'A', 'C', 'B']);
  expect(computed).toEqual(['a', 'b', 'c']);
  of('d');
  of('a');
  expect(computed).toEqual(['a', 'b', 'c', 'd', 'a']);
});
