import { expect, it } from 'vitest';
import type { Cell, Field } from '../../../ui/data/fields.js';
import { withChoice } from '../../../ui/filter/with-choice.js';

const kernel: Field = {
  name: 'b1.kernel',
  title: 'kernel',
  group: 'decision',
  kind: 'choice',
  cell: () => null,
  text: () => '',
};

it.each<[text: string, choice: Cell, expected: string]>([
  ['', 3, 'b1.kernel = 3'],
  ['B1.kernel in (3, 5) and b1.kernel != 3', 5, 'b1.kernel = 5'],
  [
    'accuracy > 80 % and (frontier or b1.kernel = 3)',
    7,
    'accuracy > 80 % and (frontier or b1.kernel = 3) and b1.kernel = 7',
  ],
  ['frontier', 'a b', 'frontier and b1.kernel = "a b"'],
  ['frontier', null, 'frontier and b1.kernel = none'],
  ['accuracy >', 3, 'b1.kernel = 3'],
])('a choice replaces the comparisons of its field in %j', (text, choice, expected) => {
  expect(withChoice(text, kernel, choice)).toBe(expected);
});
