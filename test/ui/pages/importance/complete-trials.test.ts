import { describe, expect, it } from 'vitest';
import { choiceGroups } from '../../../../ui/pages/importance/complete-trials.js';

const valuesOf = (choice: number | string | boolean | null, ...values: number[]) =>
  values.map((value, number) => ({ choice, value, number }));

describe('trials by choice', () => {
  it('have interpolated medians and quartiles', () => {
    const [group] = choiceGroups(valuesOf(3, 4, 1, 2, 3));
    expect(group).toMatchObject({ count: 4, least: 1, lower: 1.75, median: 2.5, upper: 3.25, greatest: 4 });
    expect(group.members.map(({ value }) => value)).toEqual([1, 2, 3, 4]);
  });

  it('have equal quartiles for a single trial', () => {
    const [{ count, least, lower, median, upper, greatest }] = choiceGroups(valuesOf('a', 7));
    expect([count, least, lower, median, upper, greatest]).toEqual([1, 7, 7, 7, 7, 7]);
  });

  it('are sorted: numbers, then words, then null', () => {
    const values = [null, 'relu', 10, 9, 'hswish', false].flatMap((choice) => valuesOf(choice, 1));
    expect(choiceGroups(values).map(({ choice }) => choice)).toEqual([9, 10, false, 'hswish', 'relu', null]);
  });

  it('distinguish 3 from "3"', () => {
    expect(choiceGroups([...valuesOf(3, 1), ...valuesOf('3', 2)])).toHaveLength(2);
  });
});
