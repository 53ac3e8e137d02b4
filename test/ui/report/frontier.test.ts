import { beforeAll, describe, expect, it } from 'vitest';
import type { ReportData } from '../../../reports/read-model/data.js';
import { measureText } from '../../../reports/read-model/text.js';
import { renderFrontier, renderPage } from '../../../ui/index.js';
import { renderCurves } from '../../../ui/report/pictures.js';
import { syntheticReport } from '../../reports/read-model/synthetic.js';

let data: ReportData;
beforeAll(async () => {
  data = await syntheticReport();
});

const without = (change: (data: ReportData) => Partial<ReportData>): ReportData => ({ ...data, ...change(data) });

describe('frontier.svg', () => {
  it('marks baselines by their names, on and off the frontier', () => {
    expect(renderFrontier(data)).not.toContain('>enqueued<');
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
    const svg = renderFrontier(given);
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
    expect(renderFrontier(withMacs)).toContain('Accuracy against MACs');
  });
});

it('learning curves are drawn for more networks than colours', () => {
  const many = Array.from({ length: 16 }, (_, i) => ({ ...data.frontier[i % data.frontier.length], number: i }));
  expect(renderCurves('classification', many)).toContain('#15');
});
