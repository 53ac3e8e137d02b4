import { describe, expect, it } from 'vitest';
import type { Field } from '../../../ui/data/fields.js';
import { boundsTerm, choicesTerm, keptBounds, keptChoices, without, withTerm } from '../../../ui/filter/brushes.js';
import { brushesAround, choicesWithin, roundedOn } from '../../../ui/charts/parallel.js';

const field = (name: string, kind: Field['kind']): Field => ({
  name,
  title: name,
  group: 'measure',
  kind,
  cell: () => null,
  text: () => '',
});
const accuracy = field('accuracy', 'number');
const kernel = field('b1.kernel', 'choice');

describe('a brush', () => {
  it('replaces the comparisons of its field, and leaves the others', () => {
    const text = 'accuracy > 80 % and (frontier or b1.kernel = 3) and accuracy <= 0.9';
    const term = boundsTerm(accuracy, 0.85, null);
    expect(withTerm(text, accuracy, term)).toBe('(frontier or b1.kernel = 3) and accuracy >= 0.85');
    expect(withTerm('', accuracy, boundsTerm(accuracy, 0.85, 0.9))).toBe('accuracy >= 0.85 and accuracy <= 0.9');
    expect(withTerm('accuracy > 0.5', accuracy, '')).toBe('');
    expect(without(text, [accuracy, kernel])).toBe('frontier or b1.kernel = 3');
  });

  it('names choices, unknown ones too', () => {
    expect(choicesTerm(kernel, [3])).toBe('b1.kernel = 3');
    expect(withTerm('frontier', kernel, choicesTerm(kernel, [3, 'a b', null]))).toBe(
      'frontier and b1.kernel in (3, "a b", none)',
    );
  });

  it('is drawn from the filter', () => {
    const text = 'accuracy > 80 % and B1.kernel in (3, 5) and b1.kernel != 3 and state = complete';
    expect(keptChoices(text, kernel, [3, 5, 7])).toEqual([5]);
    expect(keptBounds(text, accuracy)).toEqual([0.8, Infinity]);
    expect(keptChoices('b1.kernel = 3 or frontier', kernel, [3, 5])).toBeNull();
    expect(keptBounds('accuracy >', accuracy)).toBeNull();
  });

  it('covers whole choices, in both directions', () => {
    expect(brushesAround([0, 1, 3])).toEqual([
      [-0.4, 1.4],
      [2.6, 3.4],
    ]);
    for (const indices of [[0, 1], [3], [1, 2, 3]])
      expect(brushesAround(indices).flatMap((part) => choicesWithin(part, 4))).toEqual(indices);
    expect(choicesWithin([1.1, 1.3], 4)).toEqual([1]);
    expect(choicesWithin([-0.5, 3.5], 4)).toEqual([0, 1, 2, 3]);
  });

  it('has the digits that tell the values of its axis apart', () => {
    expect(roundedOn(0.871234, [0.7, 0.9])).toBe(0.8712);
    expect(roundedOn(0.99903456, [0.999, 0.9991])).toBe(0.9990346);
  });
});
