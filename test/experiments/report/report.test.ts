import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../experiments/parse/index.js';
import { renderCurves } from '../../../experiments/report/charts/curves.js';
import {
  collectReport,
  collectTrials,
  duration,
  objectiveValue,
  renderFrontier,
  renderPage,
  toCsv,
  writeReports,
  type ReportData,
} from '../../../experiments/report/index.js';
import { Store } from '../../../store/index.js';
import { syntheticReport } from './synthetic.js';

const folder = mkdtempSync(join(tmpdir(), 'nas-report-'));
afterAll(() => rmSync(folder, { recursive: true }));

let data: ReportData;
beforeAll(async () => {
  data = await syntheticReport();
});

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

/** Everything that a frontier may lack. */
const without = (change: (data: ReportData) => Partial<ReportData>): ReportData => ({ ...data, ...change(data) });

describe('frontier.svg', () => {
  it('has a mark and a label for every member, the same each time', async () => {
    const svg = await renderFrontier(data);
    for (const { number } of data.frontier) expect(svg).toContain(`>#${number}</text>`);
    expect(svg).toContain('after the final training');
    expect(svg).toContain('Example CPU');
    expect(await renderFrontier(data)).toBe(svg);
    expect(Number(/width="(\d+)"/.exec(svg)?.[1])).toBeLessThan(1000);
  });

  it('says in its legend which accuracy the search went by, where others stand beside it', async () => {
    const inherited = without(({ objectives, frontier }) => ({
      objectives: objectives.map((goal) => (goal.name === 'accuracy' ? { ...goal, name: 'inherited_accuracy' } : goal)),
      frontier: frontier.map((member) => ({
        ...member,
        values: { ...member.values, inherited_accuracy: member.values['accuracy'] },
      })),
    }));
    expect(await renderFrontier(inherited)).toContain('>frontier, in the search (inherited accuracy)</text>');
    expect(await renderFrontier(data)).toContain('>frontier, in the search</text>');
  });

  it('stays small when there are many trials: of those that would lie on each other, one is drawn', async () => {
    const [trial] = data.trials;
    const trials = Array.from({ length: 30_000 }, (_, i) => ({
      ...trial,
      number: 10_000 + i,
      values: { accuracy: 0.5 + (i % 30) / 1000, latency_ms: 1 + (i % 40) / 1000 },
    }));
    const many = without(() => ({ trials: [...data.trials, ...trials] }));
    const [few, svg] = [await renderFrontier(data), await renderFrontier(many)];
    const marks = (text: string): number => count(text, /aria-roledescription="point"/g);
    expect(marks(svg)).toBeGreaterThan(marks(few));
    expect(svg.length).toBeLessThan(few.length + 1_000_000);
  });

  it('marks what was given beforehand, on the frontier or not, by its name', async () => {
    expect(await renderFrontier(data)).not.toContain('given beforehand');
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
    const svg = await renderFrontier(given);
    expect(svg).toContain('given beforehand');
    for (const name of names.values()) expect(svg).toContain(`>${name}</text>`);
    expect(await renderPage(given)).toContain('<span class="tag">mobilenet-x0.5</span>');
  });

  it('is drawn without final trainings, without measurements, for one trial, and for one objective', async () => {
    const unfinished = without(({ frontier }) => ({ frontier: frontier.map((m) => ({ ...m, final: null })) }));
    expect(await renderFrontier(unfinished)).not.toContain('after the final training');
    const predicted = without(({ frontier }) => ({ frontier: frontier.map((m) => ({ ...m, latency: null })) }));
    expect(await renderFrontier(predicted)).toContain('predicted, not measured');
    const single = without(({ frontier: [first] }) => ({ frontier: [first], trials: [first] }));
    expect(await renderFrontier(single)).toContain(`>#${data.frontier[0].number}</text>`);
    const alone = without(({ objectives: [first] }) => ({ objectives: [first] }));
    expect(await renderFrontier(alone)).toContain('Accuracy against trial');
  });

  it('goes to the other side where more is better', async () => {
    const objectives = [
      { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
      { name: 'macs', direction: 'minimize', cost: 'cheap' },
    ] as const;
    const withMacs = without(({ frontier, trials }) => ({
      objectives,
      frontier: frontier.map((m) => ({ ...m, values: { ...m.values, macs: m.costs?.macs ?? 0 } })),
      trials: trials.map((t) => ({ ...t, values: { ...t.values, macs: 1e6 } })),
    }));
    expect(await renderFrontier(withMacs)).toContain('Accuracy against MACs');
  });
});

it('learning curves are drawn for more networks than there are colours', async () => {
  const many = Array.from({ length: 16 }, (_, i) => ({ ...data.frontier[i % data.frontier.length], number: i }));
  expect(await renderCurves(many)).toContain('#15');
});

describe('report.html', () => {
  it('needs nothing else, and has every part', async () => {
    const page = await renderPage(data);
    expect(page).not.toMatch(/<script|<link|@import|url\(http|src=/);
    for (const title of ['Pareto frontier', 'Latency model', 'Learning curves', 'Networks', 'Provenance'])
      expect(page).toContain(`<h2>${title}</h2>`);
    expect(count(page, /<details class="card" id="trial-/g)).toBe(data.frontier.length);
    expect(count(page, /<svg /g)).toBe(3);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('escapes what users wrote', async () => {
    const hostile = without(({ run }) => ({ run: { ...run, name: '<script>alert(1)</script>' }, source: '</pre><b>' }));
    const page = await renderPage(hostile);
    expect(page).not.toContain('<script>');
    expect(page).toContain('&lt;/pre&gt;&lt;b&gt;');
  });

  it('is written before there is a frontier', async () => {
    const page = await renderPage(without(() => ({ frontier: [], trials: [], prediction: null })));
    expect(page).toContain('No trial is complete yet');
  });

  it('adds up the parts of a network to the whole', async () => {
    const page = await renderPage(without(({ frontier: [first] }) => ({ frontier: [first] })));
    const blocks = data.frontier[0].network?.blocks ?? [];
    expect(count(page, /<td>(stem|block\d+|head)<\/td>/g)).toBe(blocks.length + 2);
    expect(page).not.toMatch(
      /<td>block\d+<\/td>\s*<td>[^<]*<\/td>\s*<td class="number">[^<]*<\/td>\s*<td class="number">0</,
    );
  });
});

describe('CSV', () => {
  it('has the columns trial, state, decisions, objectives', () => {
    const [header, ...rows] = toCsv(data.trials, data.objectives).trimEnd().split('\n');
    const names = Object.keys(data.trials[0].choices);
    expect(header).toBe(['trial', 'state', ...names, 'accuracy', 'latency_ms'].join(','));
    expect(rows).toHaveLength(data.trials.length);
  });

  it('quotes what needs it, so that any text comes back', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, choice) => {
        const trial = { ...data.trials[0], choices: { [name]: choice } };
        const text = toCsv([trial], []);
        expect(parseCsv(text)).toEqual([
          ['trial', 'state', ...Object.keys(trial.choices)],
          ['0', 'complete', choice],
        ]);
      }),
    );
  });
});

/** RFC 4180, written the other way round than the writer. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, cell, end] of text.matchAll(/("(?:[^"]|"")*"|[^",\r\n]*)(,|\n)/g)) {
    row.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '\n') rows.push(row);
    if (end === '\n') row = [];
  }
  return rows;
}

describe('a report of a real store', () => {
  it('is collected and written', async () => {
    const { experiment, source } = parseExperiment('exp.yaml', 'name: stored\ndata: fashion-mnist\nspace: mobilenet\n');
    const meta = {
      name: 'stored',
      seed: 1,
      source,
      experiment,
      threads: 1,
      version: '0.1.0',
      environment: { cpu: 'x' },
    };
    const store = Store.create(join(folder, 'nas.sqlite'), meta, () => 1e12);
    const [first] = data.frontier;
    const { genotypeId, choices, network } = first;
    const genotype = genotypeId.split('-').map(Number);
    store.trials.ask({
      number: 0,
      genotype,
      genotypeId,
      choices,
      network,
      seed: 1,
      reason: 'random',
      rejected: 3,
      pending: [],
    });
    store.trials.finish(0, {
      state: 'complete',
      values: {
        accuracy: { value: 0.8, provenance: 'measured' },
        latency_ms: { value: 0.2, provenance: 'predicted' },
      },
    });
    const report = await collectReport(store);
    expect(report.run).toMatchObject({ name: 'stored', planned: 50, rejected: 3, counts: { complete: 1 } });
    expect(report.frontier).toHaveLength(1);
    expect(report.frontier[0]).toMatchObject({ number: 0, latency: null, final: null, network });
    expect(report.trials).toEqual(collectTrials(store));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(await writeReports(store, folder)).toEqual(['frontier.svg', 'report.html']);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('stored');
    store.close();
  });
});

describe('values for people', () => {
  it.each([
    ['accuracy', 0.91234, '91.23 %'],
    ['latency_ms', 0.123456, '0.123 ms'],
    ['macs', 1_234_567, '1.23 M'],
    ['params', 999, '999'],
    ['size_bytes', 1536, '1.5 KiB'],
    ['accuracy', undefined, '-'],
  ])('%s %s is %s', (name, value, text) => {
    expect(objectiveValue(name, value)).toBe(text);
  });

  it('of time', () => {
    expect([45, 600, 3 * 3600 + 300].map(duration)).toEqual(['45 s', '10 min', '3 h 05 min']);
  });
});
