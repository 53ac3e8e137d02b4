import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { parseExperiment, trainingOf } from '../../../experiments/parse/index.js';
import { proposeExperiment } from '../../../experiments/propose/index.js';
import { experimentText, proposeData, type ProposalFacts } from '../../../experiments/propose/propose.js';
import { surveyImages } from '../../../experiments/propose/survey.js';
import { estimateRun } from '../../../experiments/runner/estimate.js';
import { temporaryFolder } from '../../support/temporary.js';
import { nasInside } from '../../cli/nas.js';
import { inside } from '../runner/inside.js';

type Colour = readonly [number, number, number];

async function writeImages(folder: string, classes: Readonly<Record<string, Colour>>, count: number, side = 40) {
  for (const [name, [r, g, b]] of Object.entries(classes)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++)
      await sharp({
        create: { width: side + 10, height: side, channels: 3, background: { r: r + i, g: g + i, b: b + i } },
      })
        .png()
        .toFile(join(folder, name, `${i}.png`));
  }
}

const colours = { red: [200, 10, 20], 'green: pears': [10, 180, 40] } as const;

describe('the survey of a folder', () => {
  it('finds the size of the images, and whether they have colours', async () => {
    const folder = temporaryFolder();
    await writeImages(folder, colours, 3);
    writeFileSync(join(folder, 'red', 'broken.png'), 'no image');
    expect(await surveyImages(folder)).toEqual({ side: 40, grey: false, images: 7 });
    const grey = temporaryFolder();
    await writeImages(grey, { dark: [10, 10, 10], light: [200, 200, 200] }, 2, 20);
    expect(await surveyImages(grey)).toEqual({ side: 20, grey: true, images: 4 });
  });

  it('of no images is an error', async () => {
    await expect(surveyImages('/nowhere')).rejects.toThrow(/\/nowhere is not a folder/);
    await expect(surveyImages(temporaryFolder())).rejects.toThrow(/has no images that can be read/);
  });
});

const facts = (changes: Partial<ProposalFacts> = {}): ProposalFacts => {
  const survey = { side: 480, grey: false, images: 20_000 };
  return {
    name: 'photos',
    path: '../photos',
    survey,
    data: proposeData(survey),
    info: { classes: ['cat', 'dog'], counts: { train: 14_450, validation: 2550, test: 3000 } },
    augment: [{ type: 'flip' }, { type: 'crop', pixels: 4 }],
    perClass: [7000, 7450],
    ...changes,
  };
};
const parsed = (changes: Partial<ProposalFacts> = {}) =>
  trainingOf(
    parseExperiment('experiment.yaml', experimentText(facts(changes), ['About an hour.']), { checkFiles: false }),
  );

describe('the proposed experiment', () => {
  it.each([
    [480, 64, 'small'],
    [50, 48, 'tiny'],
    [32, 32, 'tiny'],
    [8, 28, 'tiny'],
  ])('of images of %d pixels resizes them to %d, with the preset %s', (side, size, preset) => {
    const { data, space } = parsed({ data: proposeData({ side, grey: false, images: 20_000 }) });
    expect(data).toMatchObject({ size, channels: 3 });
    expect(space).toMatchObject({ preset });
  });

  it.each([
    [6, 4],
    [50, 16],
    [200, 32],
    [14_450, 128],
  ])('of %d training images has a batch of %d', (train, batch) => {
    const counts = { train, validation: 10, test: 10 };
    const { train: training } = parsed({ info: { classes: ['a', 'b'], counts } });
    expect(training).toMatchObject({ batch, epochs: 5, steps: 600, recipe: 'fast' });
  });

  it('keeps more of few images aside, and has one channel for images without colours', () => {
    const few = proposeData({ side: 28, grey: true, images: 60 });
    expect(few).toEqual({ size: 28, channels: 1, validation: 0.25, test: 0.2 });
    expect(proposeData({ side: 28, grey: true, images: 6000 })).toMatchObject({ validation: 0.15, test: 0.15 });
  });

  it('has paths and names that YAML would read otherwise', () => {
    const path = "../it's: #1 [x]";
    const { data, name } = parsed({ path, name: '1e3' });
    expect(data).toMatchObject({ path: expect.stringMatching(/it's: #1 \[x\]$/) as string });
    expect(name).toBe('1e3');
  });

  it('weighs classes of unequal size', () => {
    expect(parsed({ perClass: [10, 900] }).train).toMatchObject({ class_weight: 'auto' });
    expect(experimentText(facts({ perClass: [10, 900] }), [])).toContain('The classes have 10 to 900 training images');
    expect(parsed().train.class_weight).toBeUndefined();
  });
});

describe('nas init --images', () => {
  it('writes an experiment that is valid as it is', async () => {
    const root = temporaryFolder();
    await writeImages(join(root, 'fruit & co'), colours, 6);
    writeFileSync(join(root, 'fruit & co', 'red', 'broken.png'), 'no image');
    const ended = await nasInside([
      'init',
      join(root, 'search'),
      '--images',
      join(root, 'fruit & co'),
      '--no-estimate',
    ]);
    expect(ended.code).toBe(0);
    const file = join(root, 'search', 'experiment.yaml');
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('12 images of 2 classes: green: pears, red.');
    expect(text).toContain('path: ../fruit & co');
    expect(text).not.toMatch(/cloth/i);
    expect(await nasInside(['validate', file])).toMatchObject({ code: 0 });
    expect(await nasInside(['init', join(root, 'search'), '--images', join(root, 'fruit & co')])).toMatchObject({
      code: 2,
    });
  });

  it('estimates the time of the run by trainings of some networks', async () => {
    const root = temporaryFolder();
    await writeImages(root, colours, 6);
    const request = { folder: root, path: '.', name: 'fruit', file: join(root, 'experiment.yaml'), estimated: false };
    const observe = () => undefined;
    const { signal } = new AbortController();
    const { text } = await proposeExperiment(request, { observe, signal });
    const set = ['search.trials=9', 'final=none', 'train.steps=4', 'train.epochs=1'];
    const sample = { networks: 2, seconds: 0.2 };
    const options = { observe, signal, sample, workers: inside };
    const estimate = await estimateRun(parseExperiment(request.file, text, { set }), options);
    expect(estimate).toMatchObject({ final: 0, frontier: 5 });
    expect(estimate?.search).toBeGreaterThan(0);
  });
});
