import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../experiments/parse/index.js';
import { blocksOf } from './recipe-blocks.js';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
// recipes.slow.test.ts and pretrained.slow.test.ts run them.
const blocks = ['docs/recipes.md', 'docs/pretrained.md'].flatMap((page) => blocksOf(read(page)));

describe('the recipes', () => {
  const experiments = blocks.filter(({ file, text }) => file?.endsWith('.yaml') && /^name:/m.test(text));

  it.each(experiments.map(({ file, text }) => [file ?? '', text]))('%s is a valid experiment', (file, text) => {
    expect(parseExperiment(file, text, { checkFiles: false }).experiment).toHaveProperty('objectives');
  });

  it('have no shell commands that are not run', () => {
    const shown = blocks.filter(({ language, flags }) => language === 'sh' && !flags.includes('run'));
    expect(shown).toEqual([]);
  });
});

it("the README's example is a valid experiment", () => {
  const example = blocksOf(read('README.md')).find(({ language }) => language === 'yaml');
  const { experiment } = parseExperiment('readme.yaml', example?.text ?? '', { checkFiles: false });
  expect(experiment.name).toBe('my-first-search');
});
