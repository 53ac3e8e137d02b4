import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findPython, runShell } from './recipe-commands.js';
import { prepareFolder } from './recipe-folder.js';
import { itRunsThePage } from './recipe-page.js';
import { sharedFolder } from '../support/temporary.js';

const python = findPython();
const folder = sharedFolder();
let printed: ReadonlyMap<string, string>;

beforeAll(() => prepareFolder(folder));

describe('the recipes, run as written on less data', () => {
  printed = itRunsThePage('docs/recipes.md', { folder, python });
});

describe('the files and output of the recipes', () => {
  it('have the same class of an image in every language', () => {
    const answers = [...printed].filter(([commands]) => /classify/.test(commands)).map(([, output]) => output.trim());
    expect(answers.length).toBe(python === undefined ? 2 : 3);
    expect(['circles', 'squares', 'stripes']).toContain(answers[0]);
    expect(new Set(answers).size).toBe(1);
  });

  it('have answers of a server for labels and numbers', () => {
    const output = [...printed].find(([commands]) => /nas serve/.test(commands))?.[1] ?? '';
    expect(output).toMatch(/"labels":\[\{"label":"(circle|bar|red)","probability":0\.\d+,"predicted":(true|false)\}/);
    expect(output).toMatch(/"numbers":\{"diameter":-?\d/);
  });

  it('are the documented ones', () => {
    for (const file of ['runs/my-images/report.html', 'runs/taught/frontier.svg', 'trials.csv', 'model/labels.txt'])
      expect(existsSync(join(folder, file)), file).toBe(true);
    const scores: unknown = JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8'));
    expect(scores).toMatchObject({ split: 'validation', latency: { environment: { provider: 'cpu' } } });
  });

  it('include the report again after a resume', async () => {
    const report = join(folder, 'runs/my-images/report.html');
    rmSync(report);
    await runShell('npx nas resume runs/my-images', { folder, python });
    expect(existsSync(report)).toBe(true);
  });

  it('refuse a batch larger than the data before the run, with its key', async () => {
    const refused = runShell('npx nas run experiment.yaml --workdir refused --set teacher.batch=999', {
      folder,
      python,
    });
    await expect(refused).rejects.toThrow('teacher.batch: a batch of 999 images');
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it('show that the circle was learned', () => {
    const losses = [...printed.values()].flatMap((output) => [...output.matchAll(/step \d+: loss ([\d.]+)/g)]);
    expect(losses).toHaveLength(3);
    expect(Number(losses[2][1])).toBeLessThan(0.1);
  });
});

describe('the programs of the recipes', () => {
  it('have the types that the package declares', async () => {
    const options =
      '--noEmit --strict --allowJs --checkJs --skipLibCheck --types node --target es2022 --module nodenext';
    await runShell(`node node_modules/typescript/bin/tsc ${options} circle.mts my-space.mjs`, { folder, python });
  });
});
