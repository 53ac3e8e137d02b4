import { rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReportData } from '../../../reports/read-model/data.js';
import { reportFiles, renderPage } from '../../../ui/index.js';
import { renderCurves } from '../../../ui/report/pictures.js';
import { classReport, collectPictures } from '../../../reports/index.js';
import { syntheticReport } from '../../reports/read-model/synthetic.js';
import { foundBoxes, foundMasks } from '../../support/found-images.js';
import { temporaryFolder } from '../../support/temporary.js';

let data: ReportData;
let rendered: string;
beforeAll(async () => {
  data = await syntheticReport();
  rendered = renderPage(data);
});

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

const without = (change: (data: ReportData) => Partial<ReportData>): ReportData => ({ ...data, ...change(data) });

/** Keys of texts from users and their files. */
const spoilable = new Set([
  ...['name', 'message', 'reason', 'genotypeId', 'path', 'kind', 'sha256', 'on', 'version'],
  ...['data', 'teacher', 'loss', 'search', 'settings', 'source', 'final', 'test', 'operation'],
]);

describe('report.html', () => {
  it('is self-contained, and has every section', () => {
    const page = rendered;
    expect(page).not.toMatch(/<script|<link|@import|url\(http|src=/);
    for (const title of ['Pareto frontier', 'Latency model', 'Learning curves', 'Networks', 'Provenance'])
      expect(page).toContain(`<h2>${title}</h2>`);
    expect(count(page, /<details class="card" id="trial-/g)).toBe(data.frontier.length);
    expect(count(page, /<figure class="drawn"><svg /g)).toBe(4);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('escapes all texts of a run, in tables, attributes and charts', () => {
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

  it('is written without a frontier', () => {
    const page = renderPage(without(() => ({ frontier: [], trials: [], prediction: null })));
    expect(page).toContain('No trial is complete yet');
  });

  it('shows the boxes of detectors: curves, scores by size, and the worst images', async () => {
    const directory = temporaryFolder();
    const classes = classReport(['cat', 'dog'], await foundBoxes(directory), 'the test images');
    const found = without(({ frontier: [first] }) => ({ frontier: [{ ...first, classes }] }));
    const pictures = await collectPictures(found);
    const page = renderPage(found, pictures);
    expect(page).toContain('aria-label="Precision and recall"');
    expect(page).toContain('Of 1 box under 6 px at the size of the network, 0.00 % are found');
    expect(page).toMatch(/<img src="data:image\/webp;base64,[^"]{200,}" alt="cats\/a.png: 1 right, 1 missed, 1 wrong"/);
    expect(page).not.toMatch(/<script|<link|@import|url\(http|src="(?!data:image)/);
    // Converted images may be gone.
    rmSync(directory, { recursive: true });
    const bare = renderPage(found, await collectPictures(found));
    expect(bare).toContain('aria-label="Precision and recall"');
    expect(bare).not.toContain('<img');
    expect(await collectPictures(data)).toEqual(data.frontier.map(() => []));
  });

  it('shows the pixels of segmenters: IoU by class, shares of confused pixels, and the worst images', async () => {
    const classes = classReport(['background', 'crack'], await foundMasks(temporaryFolder()), 'the test images');
    const found = without(({ frontier: [first] }) => ({
      frontier: [{ ...first, classes }],
    }));
    const page = renderPage(found, await collectPictures(found));
    expect(page).toMatch(/<th[^>]*>crack<\/th><td[^>]*>512<\/td><td[^>]*>23\.53.%.±/);
    expect(page).toMatch(/<th[^>]*>crack<\/th><td[^>]*>75\.00.%<\/td><td[^>]*><strong>25\.00.%<\/strong>/);
    expect(page).toContain('Images with most wrong pixels');
    expect(page).toContain('missed (background was found)');
    expect(page).toContain('alt="tiles/a.png: 40.63 % of the pixels wrong, most of them crack taken for background"');
  });

  it('lists the parts of a network with their costs', () => {
    const page = renderPage(without(({ frontier: [first] }) => ({ frontier: [first] })));
    const blocks = data.frontier[0].network?.blocks ?? [];
    expect(count(page, /<th scope="row">(stem|block\d+|head)<\/th>/g)).toBe(blocks.length + 2);
    expect(page).not.toMatch(
      /<th scope="row">block\d+<\/th><td>[^<]*<\/td><td class="number">[^<]*<\/td><td class="number">0</,
    );
  });

  it("declares every colour, and follows the system's theme", () => {
    const page = rendered;
    const declared = new Map(
      [...page.matchAll(/(--[a-z0-9-]+):\s*([^;]*);/gi)].map(([, name, value]) => [name, value]),
    );
    const used = new Set([...page.matchAll(/var\((--[a-z0-9-]+)\)/gi)].map(([, name]) => name));
    expect(used.size).toBeGreaterThan(20);
    // A hue is a number of degrees, which colours of both themes use.
    used.delete('--hue');
    for (const name of used) expect([name, declared.get(name)]).toEqual([name, expect.stringMatching(/^light-dark\(/)]);
    expect(page).toContain('color-scheme: light dark');
  });

  it('is deterministic, and accompanied by the chart of a frontier', () => {
    const files = reportFiles(structuredClone(data));
    expect(Object.keys(files)).toEqual(['frontier.svg', 'report.html']);
    expect(files['report.html']).toBe(rendered);
    expect(files['frontier.svg']).not.toContain('var(');
    expect(Object.keys(reportFiles(without(() => ({ frontier: [] }))))).toEqual(['report.html']);
  });
});

it('names the command that measures unreliable latencies again', () => {
  const latencies = { measured: 8, unreliable: 3, members: 2, reason: 'busy', command: 'nas latency measure runs/a' };
  const words = '<span>nas</span> <span>latency</span> <span>measure</span> <span>runs/a</span>';
  expect(renderPage({ ...data, latencies })).toContain(`<code>${words}</code>`);
});

it('learning curves are drawn for more networks than colours', () => {
  const many = Array.from({ length: 16 }, (_, i) => ({ ...data.frontier[i % data.frontier.length], number: i }));
  expect(renderCurves('classification', many)).toContain('#15');
});
