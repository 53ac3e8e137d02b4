import { describe, expect, it } from 'vitest';
import { bestOf, valueRows } from '../../../../ui/pages/compare/value-rows.js';
import { syntheticReport } from '../../../experiments/report/synthetic.js';

describe('the best of several values', () => {
  it('is the greatest or the least, of several equal ones all', () => {
    expect(bestOf([1, 3, 3], 'maximize')).toEqual([false, true, true]);
    expect(bestOf([1, null, 3], 'minimize')).toEqual([true, false, false]);
  });

  it('is none where nothing is told apart, or nobody knows what is good', () => {
    expect(bestOf([2, 2], 'maximize')).toEqual([false, false]);
    expect(bestOf([null, 2], 'maximize')).toEqual([false, false]);
    expect(bestOf([1, 2], undefined)).toEqual([false, false]);
  });
});

describe('values of trials beside each other', () => {
  it('begins with the objectives, in their units, and marks the best of each', async () => {
    const report = await syntheticReport();
    const [first, second] = report.frontier;
    const rows = valueRows(report, [first, second]);
    expect(rows.slice(0, 2).map(({ title }) => title)).toEqual(['accuracy', 'latency']);
    // Along the frontier, latency and accuracy grow together.
    expect(rows[0].cells.map(({ best }) => best)).toEqual([false, true]);
    expect(rows[1].cells.map(({ best }) => best)).toEqual([true, false]);
    expect(rows[0].cells[0].text).toMatch(/^\d\d\.\d\d %$/);
  });

  it('has one row for what a run knows as a value and as a cost, and knows what is good there', async () => {
    const report = await syntheticReport();
    const [first, second] = report.frontier.map((member) => ({
      ...member,
      values: { ...member.values, macs: member.costs?.macs ?? 0 },
    }));
    const rows = valueRows({ ...report, measures: { ...report.measures, macs: { title: 'MACs', unit: 'count' } } }, [
      first,
      second,
    ]).filter(({ title }) => title === 'MACs');
    expect(rows.map(({ cells }) => cells.filter(({ best }) => best).length)).toEqual([1]);
  });

  it('says what was predicted, and leaves out what no trial has', async () => {
    const report = await syntheticReport();
    const [member] = report.frontier;
    const unmeasured = {
      ...member,
      final: null,
      costs: null,
      latency: null,
      provenance: { accuracy: 'measured', latency_ms: 'predicted' },
    } as const;
    const rows = valueRows(report, [unmeasured, unmeasured]);
    expect(rows.map(({ title }) => title)).toEqual(['accuracy', 'latency']);
    expect(rows.map(({ cells }) => cells.map(({ predicted }) => predicted))).toEqual([
      [false, false],
      [true, true],
    ]);
  });
});
