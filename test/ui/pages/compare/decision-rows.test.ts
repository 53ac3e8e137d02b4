import { describe, expect, it } from 'vitest';
import { decisionRows } from '../../../../ui/pages/compare/decision-rows.js';

const chosen = (kernel: number): Readonly<Record<string, number>> => ({ kernel });

const apartOf = (...kernels: number[]) =>
  decisionRows(['kernel'], kernels.map(chosen))[0].cells.map(({ apart }) => apart);

describe('decisions of trials beside each other', () => {
  it('keeps the order of the space, and says which differ', () => {
    const rows = decisionRows(
      ['width', 'kernel'],
      [
        { kernel: 3, width: 1 },
        { kernel: 5, width: 1 },
      ],
    );
    expect(rows.map(({ decision, differs }) => [decision, differs])).toEqual([
      ['width', false],
      ['kernel', true],
    ]);
  });

  it('marks what the first one does not have', () => {
    expect(apartOf(3, 3, 5)).toEqual([false, false, true]);
    expect(apartOf(5, 3, 3)).toEqual([false, true, true]);
    expect(apartOf(7, 7, 7)).toEqual([false, false, false]);
  });

  it('takes a part that a network lacks for a difference', () => {
    expect(decisionRows(['kernel'], [{ kernel: 3 }, {}])).toEqual([
      {
        decision: 'kernel',
        differs: true,
        cells: [
          { choice: 3, apart: false },
          { choice: null, apart: true },
        ],
      },
    ]);
  });

  it('takes 3 and "3" for different choices', () => {
    expect(decisionRows(['x'], [{ x: 3 }, { x: '3' }])[0].differs).toBe(true);
  });
});
