import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { epochLine, lineOf } from '../../cli/progress/event-lines.js';
import type { ReportData } from '../../experiments/page/api.js';
import { collectReport } from '../../experiments/report/index.js';
import { renderPage } from '../../ui/index.js';
import { databasePath } from '../../experiments/stored/workdir.js';
import { Store } from '../../store/index.js';
import { cachedFolder, smallSpace } from '../experiments/runner/experiment.js';
import { runInside } from '../experiments/runner/inside.js';
import { drawTasks } from './draw-tasks.js';
import { blocksOf } from './recipe-blocks.js';

const folder = cachedFolder();
const blocks = blocksOf(readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8'));

/** Few and small networks on small images, compared by their MACs: no latency is measured. */
const smaller = (score: string): string[] => [
  'data.size=32',
  `space=${JSON.stringify(smallSpace)}`,
  'train.steps=100',
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
  return { report, text: lines.join('\n'), page: renderPage(report) };
}

const best = ({ frontier }: ReportData, name: string): number =>
  Math.max(...frontier.map(({ values }) => values[name]));

beforeAll(() => drawTasks(folder, 300));

describe('the recipe of several labels', () => {
  it('finds networks that rank much better than chance, and says so in mAP', async () => {
    const { report, text, page } = await runRecipe('tags', 'map');
    // A random order has the share of the images with a label: a third.
    expect(best(report, 'map')).toBeGreaterThan(0.33 + 0.3);
    expect(report.run.task).toBe('multi-label');
    expect(text).toMatch(/trial 0 epoch 1\/\d+: validation mAP \d+\.\d\d %, loss/);
    expect(page).toContain('binary cross-entropy');
    for (const shown of [text, page.replace(/<pre[^]*?<\/pre>/g, '')]) expect(shown).not.toMatch(/accuracy/i);
  }, 200_000);
});

describe('the recipe of numbers', () => {
  it('finds networks that explain most of the variance, and says so in R²', async () => {
    const { report, text, page } = await runRecipe('numbers', 'r2');
    // The mean has 0.
    expect(best(report, 'r2')).toBeGreaterThan(0.5);
    expect(report.run.task).toBe('regression');
    expect(text).toMatch(/trial 0 epoch 1\/\d+: validation R² -?\d+(\.\d+)?, loss/);
    expect(page).toContain('Huber');
    for (const shown of [text, page.replace(/<pre[^]*?<\/pre>/g, '')]) expect(shown).not.toMatch(/accuracy/i);
  }, 200_000);
});
