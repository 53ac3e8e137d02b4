import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { epochLine, lineOf } from '../../cli/progress/event-lines.js';
import type { ReportData } from '../../reports/page/api.js';
import { collectReport } from '../../reports/index.js';
import { renderPage } from '../../ui/index.js';
import { databasePath, frontierFolder } from '../../runner/stored/workdir.js';
import { createDecoder } from '../../serve/images/decoder.js';
import { openPool } from '../../serve/inference/open-pool.js';
import { readFrontier } from '../../serve/models/frontier.js';
import { renderingOf } from '../../serve/models/model.js';
import { Store } from '../../store/index.js';
import { cachedFolder, smallSpace } from '../runner/experiment.js';
import { runInside } from '../runner/inside.js';
import { serviceOf, testServer } from '../serve/http/server.js';
import { outputsOf } from '../serve/reference.js';
import { drawTasks } from './draw-tasks.js';
import { blocksOf } from './recipe-blocks.js';

const folder = cachedFolder();
const blocks = blocksOf(readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8'));

/** Few and small networks on small images, compared by their MACs: no latency is measured. */
const smaller = (score: string): string[] => [
  'data.size=32',
  `space=${JSON.stringify(smallSpace)}`,
  'train.steps=70',
  'search.trials=2',
  `objectives=[${score}, macs]`,
];

/** Runs the experiment of a recipe on small images: its report, and all lines that a run prints. */
async function runRecipe(name: string, score: string) {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, blocks.find((block) => block.file === `${name}.yaml`)?.text ?? '');
  const workdir = join(folder, 'runs', name);
  const { events } = await runInside(file, workdir, { set: smaller(score) });
  const lines = events.flatMap((event) =>
    event.kind === 'trial-epoch' || event.kind === 'phase-epoch' ? epochLine(event) : (lineOf(event) ?? []),
  );
  const store = Store.open(databasePath(workdir), { readonly: true });
  const report = await collectReport(store).finally(() => store.close());
  return { report, text: lines.join('\n'), page: renderPage(report), models: join(workdir, frontierFolder) };
}

const decoder = createDecoder({ parallel: 1, maxPixels: 1e6 });

/** What a server of the run's networks answers for an image, and the outputs of the file of the network that answered. */
async function served(models: string, path: string, file: string) {
  const frontier = await readFrontier(models);
  const pool = await openPool({ frontier, workers: 'inline', maxQueue: 10, maxBatch: 1 });
  onTestFinished(() => pool.close());
  const url = await testServer(serviceOf(pool), { decoder });
  const body = readFileSync(join(folder, file));
  const response = await fetch(url + path, { method: 'POST', headers: { 'x-budget-ms': '60000' }, body });
  const { results } = (await response.json()) as {
    results: (Readonly<Record<string, unknown>> & { network: string })[];
  };
  const model = frontier.models.find(({ name }) => name === results[0].network) ?? expect.fail(results[0].network);
  const pixels = await decoder.decode(body, {
    deadline: Infinity,
    isGone: () => false,
    client: 'test',
    rendering: renderingOf(model),
  });
  return { answer: results[0], model, outputs: await outputsOf(model, pixels) };
}

const best = ({ frontier }: ReportData, name: string): number =>
  Math.max(...frontier.map(({ values }) => values[name]));

beforeAll(() => drawTasks(folder, 300));

describe('the recipe of several labels', () => {
  it('finds networks that rank much better than chance, and says so in mAP', async () => {
    const { report, text, page, models } = await runRecipe('tags', 'map');
    // A random order has the share of the images with a label: a third.
    expect(best(report, 'map')).toBeGreaterThan(0.33 + 0.3);
    expect(report.run.task).toBe('multi-label');
    expect(text).toMatch(/trial 0 epoch 1\/\d+: validation mAP \d+\.\d\d %, loss/);
    expect(page).toContain('binary cross-entropy');
    for (const shown of [text, page.replace(/<pre[^]*?<\/pre>/g, '')]) expect(shown).not.toMatch(/accuracy/i);
    const { answer, model, outputs } = await served(models, '/v1/label', 'tags/0.png');
    expect(answer['map']).toBe(model.accuracy);
    for (const { label, probability } of answer['labels'] as { label: string; probability: number }[])
      expect(probability).toBeCloseTo(1 / (1 + Math.exp(-outputs[model.classes.indexOf(label)])), 5);
  });
});

describe('the recipe of numbers', () => {
  it('finds networks that explain most of the variance, and says so in R²', async () => {
    const { report, text, page, models } = await runRecipe('numbers', 'r2');
    // The mean has 0.
    expect(best(report, 'r2')).toBeGreaterThan(0.5);
    expect(report.run.task).toBe('regression');
    expect(text).toMatch(/trial 0 epoch 1\/\d+: validation R² -?\d+(\.\d+)?, loss/);
    expect(page).toContain('Huber');
    for (const shown of [text, page.replace(/<pre[^]*?<\/pre>/g, '')]) expect(shown).not.toMatch(/accuracy/i);
    // The exported files score as the networks did in training.
    expect(text).not.toMatch(/ONNX Runtime finds/);
    const { answer, model, outputs } = await served(models, '/v1/predict', 'numbers/0.png');
    expect(answer['r2']).toBe(model.accuracy);
    expect(Object.keys(answer['numbers'] as object)).toEqual(['diameter', 'brightness']);
    for (const [i, value] of Object.values(answer['numbers'] as Record<string, number>).entries())
      expect(Math.abs(value / outputs[i] - 1)).toBeLessThan(1e-5);
  });
});
