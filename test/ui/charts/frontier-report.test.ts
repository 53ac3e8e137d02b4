import { beforeAll, describe, expect, it } from 'vitest';
import { measureText } from '../../../reports/read-model/text.js';
import type { ReportData } from '../../../reports/index.js';
import { frontierOption } from '../../../ui/charts/frontier.js';
import { frontierOfReport, frontierSize } from '../../../ui/charts/frontier-report.js';
import { chartThemes } from '../../../ui/charts/theme.js';
import { renderSvg } from '../../../ui/charts/svg.js';
import { renderPage } from '../../../ui/index.js';
import { syntheticReport } from '../../reports/read-model/synthetic.js';

let data: ReportData;
beforeAll(async () => {
  data = await syntheticReport();
});

const without = (change: (data: ReportData) => Partial<ReportData>): ReportData => ({ ...data, ...change(data) });
const draw = (report: ReportData): string =>
  renderSvg(frontierOption(frontierOfReport(report, chartThemes.light)), frontierSize);

describe("a report's frontier", () => {
  it('has a mark and a label for every member, the device, and final accuracies', () => {
    const svg = draw(data);
    for (const { number } of data.frontier) expect(svg).toContain(`>#${number}</text>`);
    for (const text of ['after the final training', 'Example CPU', 'Accuracy against latency', 'predicted'])
      expect(svg).toContain(text);
    expect(draw(data)).toBe(svg);
  });

  it('names the accuracy of the search in its legend next to final ones', () => {
    const inherited = without(({ objectives, frontier, measures }) => ({
      measures: { ...measures, inherited_accuracy: measureText('inherited_accuracy') },
      objectives: objectives.map((goal) => (goal.name === 'accuracy' ? { ...goal, name: 'inherited_accuracy' } : goal)),
      frontier: frontier.map((member) => ({
        ...member,
        values: { ...member.values, inherited_accuracy: member.values['accuracy'] },
      })),
    }));
    expect(draw(inherited)).toContain('>frontier, in the search (inherited accuracy)</text>');
    expect(draw(data)).toContain('>frontier, in the search</text>');
  });

  it('stays small with many trials: overlapping marks are dropped', () => {
    const [trial] = data.trials;
    const trials = Array.from({ length: 6000 }, (_, i) => ({
      ...trial,
      number: 10_000 + i,
      values: { accuracy: 0.5 + (i % 30) / 1000, latency_ms: 1 + (i % 40) / 1000 },
    }));
    const many = without(() => ({ trials: [...data.trials, ...trials] }));
    const drawn = (report: ReportData): number =>
      frontierOfReport(report, chartThemes.light).points.filter(({ series }) => series === 'trial').length;
    expect(drawn(many)).toBeGreaterThan(drawn(data));
    expect(drawn(many)).toBeLessThan(2500);
    expect(draw(many).length).toBeLessThan(draw(data).length + 1_000_000);
  });

  it('is drawn without final trainings, measurements or trials, for one trial, and for one objective', () => {
    const unfinished = without(({ frontier }) => ({ frontier: frontier.map((m) => ({ ...m, final: null })) }));
    expect(draw(unfinished)).not.toContain('after the final training');
    const predicted = without(({ frontier }) => ({ frontier: frontier.map((m) => ({ ...m, latency: null })) }));
    expect(draw(predicted)).toContain('predicted, not measured');
    const single = without(({ frontier: [first] }) => ({ frontier: [first], trials: [first] }));
    expect(draw(single)).toContain(`>#${data.frontier[0].number}</text>`);
    const alone = without(({ objectives: [first] }) => ({ objectives: [first] }));
    expect(draw(alone)).toContain('Accuracy against trial');
    expect(draw(without(() => ({ frontier: [], trials: [] })))).toContain('latency [ms]');
  });

  it('marks baselines by their names, on and off the frontier', () => {
    expect(draw(data)).not.toContain('>enqueued<');
    const [member] = data.frontier;
    const other = data.trials.find(({ number }) => !data.frontier.some((one) => one.number === number));
    const names = new Map([
      [member.number, 'mobilenet-x0.5'],
      [other?.number, 'my baseline'],
    ]);
    const named = <T extends { readonly number: number }>(trial: T) => ({
      ...trial,
      enqueued: names.get(trial.number) ?? null,
    });
    const given = without(({ trials, frontier }) => ({ trials: trials.map(named), frontier: frontier.map(named) }));
    const svg = draw(given);
    expect(svg).toContain('>enqueued<');
    for (const name of names.values()) expect(svg).toContain(`>${name}</text>`);
    expect(renderPage(given)).toContain('<span class="tag">mobilenet-x0.5</span>');
  });

  it('is drawn over the second objective', () => {
    const objectives = [
      { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
      { name: 'macs', direction: 'minimize', cost: 'cheap' },
    ] as const;
    const withMacs = without(({ frontier, trials, measures }) => ({
      measures: { ...measures, macs: measureText('macs') },
      objectives,
      frontier: frontier.map((m) => ({ ...m, values: { ...m.values, macs: m.costs?.macs ?? 0 } })),
      trials: trials.map((t) => ({ ...t, values: { ...t.values, macs: 1e6 } })),
    }));
    expect(draw(withMacs)).toContain('Accuracy against MACs');
  });
});
