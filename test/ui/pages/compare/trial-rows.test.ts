import { beforeAll, describe, expect, it } from 'vitest';
import type { ReportData } from '../../../../reports/page/api.js';
import { bestOf, type SideRow } from '../../../../ui/pages/compare/side-by-side.js';
import { decisionRows, valueRows } from '../../../../ui/pages/compare/trial-rows.js';
import { syntheticReport } from '../../../reports/read-model/synthetic.js';

const valuesOf = (...values: readonly (number | null)[]) => values.map((value) => ({ value }));

const marksOf = ({ cells }: SideRow) => cells.map(({ mark }) => mark);

describe('the best of several values', () => {
  it('is the greatest or the least; of several equal ones, all', () => {
    expect(bestOf(valuesOf(1, 3, 3), 'maximize')).toEqual([false, true, true]);
    expect(bestOf(valuesOf(1, null, 3), 'minimize')).toEqual([true, false, false]);
  });

  it('is none where intervals overlap, and never a value that is not reliable', () => {
    const near = { value: 0.0442, certainty: { interval: [0.0439, 0.0447] } } as const;
    const best = { value: 0.0439, certainty: { interval: [0.0437, 0.0441] } } as const;
    expect(bestOf([near, best], 'minimize')).toEqual([false, false]);
    const apart = { value: 0.04, certainty: { interval: [0.039, 0.041] } } as const;
    expect(bestOf([near, apart], 'minimize')).toEqual([false, true]);
    const doubtful = { ...apart, certainty: { ...apart.certainty, unreliable: 'other programs were busy' } };
    expect(bestOf([near, doubtful], 'minimize')).toEqual([false, false]);
  });

  it('compares latencies of one session by the intervals of the session', () => {
    const of = (value: number, id: number) => ({
      value,
      certainty: {
        interval: [0.9 * value, 1.1 * value] as const,
        session: { id, interval: [0.99 * value, 1.01 * value] as const },
      },
    });
    expect(bestOf([of(1, 4), of(1.05, 4)], 'minimize')).toEqual([true, false]);
    expect(bestOf([of(1, 4), of(1.05, 5)], 'minimize')).toEqual([false, false]);
  });

  it('is none where all are equal, or without a direction', () => {
    expect(bestOf(valuesOf(2, 2), 'maximize')).toEqual([false, false]);
    expect(bestOf(valuesOf(null, 2), 'maximize')).toEqual([false, false]);
    expect(bestOf(valuesOf(1, 2), undefined)).toEqual([false, false]);
  });
});

describe('values of trials', () => {
  let report: ReportData;
  beforeAll(async () => {
    report = await syntheticReport();
  });

  it('begin with the objectives, in their units, the best of each marked', () => {
    const [accuracy, latency] = valueRows(report, report.frontier.slice(0, 2));
    expect([accuracy.title, latency.title]).toEqual(['accuracy', 'latency']);
    // Along the frontier, latency and accuracy grow together.
    expect(marksOf(accuracy)).toEqual([undefined, 'best']);
    expect(marksOf(latency)).toEqual(['best', undefined]);
    expect(accuracy.cells[0].text).toMatch(/^\d\d\.\d\d %$/);
  });

  it('have one row for a measure that is both a value and a cost', () => {
    const members = report.frontier.slice(0, 2).map((member) => ({
      ...member,
      values: { ...member.values, macs: member.costs?.macs ?? 0 },
    }));
    const measures = { ...report.measures, macs: { title: 'MACs', unit: 'count' } } as const;
    const rows = valueRows({ ...report, measures }, members).filter(({ title }) => title === 'MACs');
    expect(rows.map((row) => marksOf(row).filter((mark) => mark === 'best').length)).toEqual([1]);
  });

  it('note predictions, and leave out measures without values', () => {
    const unmeasured = {
      ...report.frontier[0],
      final: null,
      costs: null,
      latency: null,
      provenance: { accuracy: 'measured', latency_ms: 'predicted' },
    } as const;
    const rows = valueRows(report, [unmeasured, unmeasured]);
    expect(rows.map(({ title, cells }) => [title, ...cells.map(({ note }) => note)])).toEqual([
      ['accuracy', null, null],
      ['latency', 'predicted', 'predicted'],
    ]);
  });
});

describe('decisions of trials', () => {
  const rowOf = (...kernels: (number | string)[]) =>
    decisionRows(
      ['kernel'],
      kernels.map((kernel) => ({ kernel })),
    )[0];

  it('keep the order of the space, and mark differences from the first trial', () => {
    const choices = [3, 5].map((kernel) => ({ kernel, width: 1 }));
    const rows = decisionRows(['width', 'kernel'], choices);
    expect(rows.map(({ title, differs }) => [title, differs])).toEqual([
      ['width', false],
      ['kernel', true],
    ]);
    expect(marksOf(rowOf(3, 3, 5))).toEqual([undefined, undefined, 'apart']);
    expect(marksOf(rowOf(5, 3, 3))).toEqual([undefined, 'apart', 'apart']);
  });

  it('differ where a network lacks a part, and by type', () => {
    const [row] = decisionRows(['kernel'], [{ kernel: 3 }, {}]);
    expect(row.differs).toBe(true);
    expect(row.cells.flatMap(({ text, mark }) => [text, mark])).toEqual(['3', undefined, '-', 'apart']);
    expect(rowOf(3, '3').differs).toBe(true);
  });
});
