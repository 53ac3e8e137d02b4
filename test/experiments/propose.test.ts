import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import { parseExperiment, trainingOf } from '../../experiments/parse/index.js';
import { proposeExperiment } from '../../runner/propose.js';
import { experimentText, proposeData, type ProposalFacts } from '../../experiments/propose.js';
import type { RunEvent } from '../../runner/events.js';
import { paceBetween } from '../../runner/budget/measure.js';
import { estimateRun } from '../../runner/estimate.js';
import { createSpace, tableSpace } from '../../spaces/index.js';
import { earlierRun } from '../runner/earlier-run.js';
import { temporaryFolder } from '../support/temporary.js';
import { nasInside, nasOut } from '../cli/nas.js';
import { writeColours } from '../trainers/data/colours.js';
import type { Job } from '../../runner/jobs/jobs.js';
import { inside, insideWith } from '../runner/inside.js';

const colours = { red: [200, 10, 20], 'green: pears': [10, 180, 40] } as const;

const facts = (changes: Partial<ProposalFacts> = {}): ProposalFacts => {
  const survey = { side: 480, grey: false, images: 20_000 };
  return {
    type: 'image-folder',
    name: 'photos',
    path: '../photos',
    survey,
    data: proposeData(survey),
    info: { classes: ['cat', 'dog'], counts: { train: 14_450, validation: 2550, test: 3000 } },
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
    [480, 64, 'small', 'stm32f446re'],
    [480, 32, 'tiny', 'samd21g18'],
  ] as const)('of images of %d pixels resizes them to %d, with the preset %s', (side, size, preset, board?) => {
    const { data, space } = parsed({ data: proposeData({ side, grey: false, images: 20_000 }, board), board });
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

  it('cross-validates networks of few images', () => {
    const counts = { train: 300, validation: 100, test: 100 };
    const info = { classes: ['a', 'b'], counts };
    expect(parsed({ info }).folds).toBe('auto');
    expect(experimentText(facts({ info }), [])).toMatch(
      /known to some points only.*5 other splits of the 400 training/,
    );
    expect(parsed().folds).toBeUndefined();
  });

  it('leaves the augmentation to the images and the length of each training', () => {
    expect(parsed().train.augment).toEqual([{ type: 'flip' }, { type: 'crop', pixels: 4 }]);
    const text = (channels: 1 | 3) => experimentText(facts({ data: { ...facts().data, channels } }), []);
    expect(text(3)).not.toMatch(/^ *augment:/m);
    expect(text(3)).toContain('# augment: [crop]');
    expect(text(1)).toContain('# augment: [flip, crop]');
  });

  it.each([
    [300, undefined, 'none', 'final trainings learn from the labels alone'],
    [300, 30, undefined, 'the most accurate network of the frontier teaches the others'],
    [14_450, undefined, 'frontier', 'the most accurate network of the frontier teaches the others'],
  ])('of %d training images in %s minutes says who teaches', (train, minutes, teacher, says) => {
    const info = { classes: ['a', 'b'], counts: { train, validation: 100, test: 100 } };
    const experiment = parsed({ info, minutes });
    expect([experiment.teacher.type, experiment.final?.teacher]).toEqual(['none', teacher]);
    expect(experimentText(facts({ info, minutes }), [])).toContain(says);
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
    await writeColours(join(root, 'fruit & co'), colours, 6);
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
    await nasOut('validate', file);
    const again = ['init', join(root, 'search'), '--images', join(root, 'fruit & co')];
    expect(await nasInside(again)).toMatchObject({ code: 2 });
  });

  it('takes an archive of split folders', async () => {
    const root = temporaryFolder();
    for (const split of ['train', 'test']) await writeColours(join(root, split), colours, 4);
    await create({ file: join(root, '2 fruits.tgz'), cwd: root, gzip: true }, ['train', 'test']);
    const ended = await nasInside([
      'init',
      root,
      '--images',
      join(root, '2 fruits.tgz'),
      '--no-estimate',
      '--board',
      'rp2040',
    ]);
    expect(ended.code).toBe(0);
    const file = join(root, 'experiment.yaml');
    const text = readFileSync(file, 'utf8');
    for (const part of [
      '\nconstraints: { board: rp2040 }',
      '\nname: 2-fruits\n',
      'path: 2 fruits.tgz\n',
      '# 16 images of 2 classes',
      '8 test the result',
    ])
      expect(text).toContain(part);
    await nasOut('validate', file);
  });

  it('leaves the length of the run to a budget, and says its plan', async () => {
    const root = temporaryFolder();
    await writeColours(root, colours, 4);
    const request = { images: root, file: join(root, 'experiment.yaml'), estimated: true, minutes: 600 };
    const { signal } = new AbortController();
    const options = { observe: () => undefined, signal, sample: { networks: 1, seconds: 0.1 }, workers: inside };
    const { text, hours } = await proposeExperiment(request, options);
    expect(hours[0]).toMatch(/^The plan of 600 minutes: about \d+ trials of [\d,]+ steps/);
    const { written } = parseExperiment(request.file, text);
    expect(written).toMatchObject({ budget: { minutes: 600 } });
    expect(written).not.toHaveProperty('search');
    expect(written).not.toHaveProperty('final');
    expect(written).not.toHaveProperty('train.steps');
    await expect(proposeExperiment({ ...request, minutes: 0.01 }, options)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/^budget.minutes: 0.01 is too short: .* take about [\d.]+ minutes/) as string,
    });
  });

  it('learns from the runs of the same space in the folder of runs', async () => {
    const root = temporaryFolder();
    await writeColours(root, colours, 4);
    const request = { images: root, file: join(root, 'experiment.yaml'), estimated: false, runs: join(root, 'runs') };
    const options = { observe: () => undefined, signal: new AbortController().signal };
    const { text: alone } = await proposeExperiment(request, options);
    expect(alone).not.toMatch(/^ *from:/m);
    const { space: config } = trainingOf(parseExperiment(request.file, alone));
    const space = await createSpace(config, { input: [28, 28, 3], classes: 2 });
    earlierRun(join(root, 'runs', 'same'), space, 'accuracy', () => 0.5, 20);
    earlierRun(join(root, 'runs', 'short'), space, 'accuracy', () => 0.5, 5);
    earlierRun(
      join(root, 'runs', 'other'),
      tableSpace('other', [{ name: 'a', choices: [1] }]),
      'accuracy',
      () => 1,
      20,
    );
    writeFileSync(join(root, 'runs', 'notes.txt'), '');
    for (const minutes of [undefined, 60]) {
      const { text } = await proposeExperiment({ ...request, minutes }, options);
      expect(trainingOf(parseExperiment(request.file, text)).search.from).toEqual([join(root, 'runs', 'same')]);
    }
  });

  it('estimates the time of the run by trainings of some networks', async () => {
    const root = temporaryFolder();
    await writeColours(root, colours, 4);
    writeFileSync(join(root, 'red', 'broken.png'), 'no image');
    const request = { images: root, file: join(root, 'experiment.yaml'), estimated: true };
    const notes: string[] = [];
    const observe = (event: RunEvent) => {
      if (event.kind === 'note') notes.push(event.message);
    };
    const { signal } = new AbortController();
    const sample = { networks: 1, seconds: 0.1 };
    const options = { observe, signal, sample, workers: inside };
    const { text, hours } = await proposeExperiment(request, options);
    expect(hours[0]).toMatch(/^The run takes about/);
    // The images are read twice, but each note is shown once.
    expect(notes.filter((note) => note.includes('broken.png'))).toHaveLength(1);
    const set = ['search.trials=9', 'final=none', 'train.steps=4', 'train.epochs=1', 'objectives=[accuracy, macs]'];
    const kinds: Job['kind'][] = [];
    const counted = parseExperiment(request.file, text, { set });
    const estimate = await estimateRun(counted, { ...options, workers: () => insideWith(kinds) });
    expect(estimate).toMatchObject({ final: 0, frontier: 5 });
    expect(estimate?.search).toBeGreaterThan(0);
    // Only what the run does is timed.
    expect(kinds).toEqual(['train']);
  });

  it('takes the median time of a step, without evaluations and other work on the machine', () => {
    const report = (at: number, step: number, epochs = 0) => ({ at, step, epochs });
    const start = report(1000, 0);
    const disturbed = [report(3000, 1), report(3200, 3), report(3400, 5), report(9400, 7), report(9600, 9)];
    expect(paceBetween(start, disturbed)).toEqual({ start: 2, step: 0.1, evaluated: false });
    const evaluated = [report(3000, 1), report(3200, 3), report(5200, 5, 1), report(5400, 7, 1)];
    expect(paceBetween(start, evaluated)).toEqual({ start: 2, step: 0.1, evaluated: false });
    const shortEpochs = [report(3000, 1), report(4000, 2, 1), report(6000, 3, 2), report(7000, 4, 3)];
    expect(paceBetween(start, shortEpochs)).toEqual({ start: 2, step: 1, evaluated: true });
    expect(paceBetween(start, [report(3000, 1)])).toEqual({ start: 2, step: 2, evaluated: false });
  });
});
