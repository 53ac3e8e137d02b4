import { expect, test } from 'vitest';
import { countsOf, groupBy } from '../../base/group.js';

test('items of a key stay in their order, and keys in the order of their first items', () => {
  const groups = groupBy(['b1', 'a1', 'b2', 'a2', 'c1'], (name) => name[0]);
  expect([...groups]).toEqual([
    ['b', ['b1', 'b2']],
    ['a', ['a1', 'a2']],
    ['c', ['c1']],
  ]);
});

test('items are counted in the order of their first places', () => {
  expect([...countsOf('banana')]).toEqual([
    ['b', 1],
    ['a', 3],
    ['n', 2],
  ]);
});
