import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nearest } from '../../base/text.js';

it.each([
  ['locl', ['local', 'remote'], 'local'],
  ['mobile', ['mobilenet', 'efficientnet'], 'mobilenet'],
  ['Fashion_MNIST', ['fashion-mnist'], 'fashion-mnist'],
  ['zebra', ['local', 'remote'], undefined],
  ['', ['a'], undefined],
])('the word nearest to %s of %j is %s', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});

it('finds a word by its beginning, however long it is', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3, unit: fc.constantFrom('a', 'b') }), fc.string(), (start, rest) => {
      expect(nearest(start, [start + rest])).toBe(start + rest);
    }),
  );
});

it('does not compare a word of millions of letters with short names', () => {
  // Compared letter by letter, this takes minutes.
  const names = Array.from({ length: 100 }, (_, i) => `trial-${i}-of-a-long-run-of-many-networks`);
  expect(nearest('x'.repeat(5e6), names)).toBeUndefined();
});
