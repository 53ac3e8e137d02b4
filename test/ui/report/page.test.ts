import { beforeAll, describe, expect, it } from 'vitest';
import type { ReportData } from '../../../experiments/report/data.js';
import { reportFiles, renderPage } from '../../../ui/index.js';
import { syntheticReport } from '../../experiments/report/synthetic.js';

let data: ReportData;
beforeAll(async () => {
  data = await syntheticReport();
});

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

/** Everything that a report may lack. */
const without = (change: (data: ReportData) => Partial<ReportData>): ReportData => ({ ...data, ...change(data) });

/** Keys of texts that users give or that come from their files. */
const spoilable = new Set([
  ...['name', 'message', 'reason', 'genotypeId', 'path', 'kind', 'sha256', 'on', 'version'],
  ...['data', 'teacher', 'loss', 'search', 'settings', 'source', 'final', 'test', 'operation'],
]);

describe('report.html', () => {
  it('needs nothing else, and has every part', () => {
    const page = renderPage(data);
    expect(page).not.toMatch(/<script|<link|@import|url\(http|src=/);
    for (const title of ['Pareto frontier', 'Latency model', 'Learning curves', 'Networks', 'Provenance'])
      expect(page).toContain(`<h2>${title}</h2>`);
    expect(count(page, /<details class="card" id="trial-/g)).toBe(data.frontier.length);
    expect(count(page, /<figure class="drawn"><svg /g)).toBe(3);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('escapes what users wrote', () => {
    const hostile = without(({ run }) => ({ run: { ...run, name: '<script>alert(1)</script>' }, source: '</pre><b>' }));
    const page = renderPage(hostile);
    expect(page).not.toContain('<script>');
    expect(page).toContain('&lt;/pre>&lt;b>');
  });

  it('never makes markup of any text of a run, in tables, attributes and pictures', () => {
    const evil = `"'><x-evil onload="alert(1)"></style></svg><x-evil>`;
    const spoilt = JSON.parse(
      JSON.stringify(data, (key, value: unknown) =>
        typeof value === 'string' && spoilable.has(key) ? `${value}${evil}` : value,
      ),
    ) as ReportData;
    const given = {
      ...spoilt,
      trials: spoilt.trials.map((trial) => ({ ...trial, enqueued: evil, message: evil })),
      frontier: spoilt.frontier.map((member) => ({ ...member, enqueued: evil, choices: { [evil]: evil } })),
      measures: { ...spoilt.measures, accuracy: { ...spoilt.measures['accuracy'], title: evil } },
      environment: { [evil]: evil },
    };
    const page = renderPage(given);
    expect(page).toContain('x-evil');
    expect(page).not.toContain('<x-evil');
    expect(count(page, /<\/style>/g)).toBe(1);
    expect(count(page, /="[^"]*"[^\s/>]/g)).toBe(0);
  });

  it('is written before there is a frontier', () => {
    const page = renderPage(without(() => ({ frontier: [], trials: [], prediction: null })));
    expect(page).toContain('No trial is complete yet');
  });

  it('adds up the parts of a network to the whole', () => {
    const page = renderPage(without(({ frontier: [first] }) => ({ frontier: [first] })));
    const blocks = data.frontier[0].network?.blocks ?? [];
    expect(count(page, /<th scope="row">(stem|block\d+|head)<\/th>/g)).toBe(blocks.length + 2);
    expect(page).not.toMatch(
      /<th scope="row">block\d+<\/th><td>[^<]*<\/td><td class="number">[^<]*<\/td><td class="number">0</,
    );
  });

  it("has a colour for every name, and follows the system's theme", () => {
    const page = renderPage(data);
    const declared = new Map(
      [...page.matchAll(/(--[a-z0-9-]+):\s*([^;]*);/gi)].map(([, name, value]) => [name, value]),
    );
    const used = new Set([...page.matchAll(/var\((--[a-z0-9-]+)\)/gi)].map(([, name]) => name));
    expect(used.size).toBeGreaterThan(20);
    for (const name of used) expect([name, declared.get(name)]).toEqual([name, expect.stringMatching(/^light-dark\(/)]);
    expect(page).toContain('color-scheme: light dark');
  });

  it('is the same text each time', () => {
    expect(renderPage(data)).toBe(renderPage(structuredClone(data)));
  });

  it('stands beside the picture, once there is one', () => {
    expect(Object.keys(reportFiles(data))).toEqual(['frontier.svg', 'report.html']);
    expect(Object.keys(reportFiles(without(() => ({ frontier: [] }))))).toEqual(['report.html']);
    expect(reportFiles(data)['frontier.svg']).not.toContain('var(');
  });
});
