import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMetadata } from '../../deploy/index.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment } from '../../runner/index.js';
import { nasInside, expectRefusal, nasOut } from '../cli/nas.js';
import { cachedFolder, reading, writeExperiment } from './experiment.js';
import { findings } from './findings.js';
import { inside, interrupted, messagesOf, runInside } from './inside.js';

const directory = cachedFolder();
let file = '';
/** A run whose two networks were trained until they know the bars of the images. */
const first = join(directory, 'first');

/** Runs the experiment from given weights. @returns what it notes. */
const notesOf = async (workdir: string, ...set: readonly string[]) => {
  const { events } = await runInside(file, workdir, { set });
  return messagesOf(events, ['note']);
};

const refusal = (workdir: string, ...set: readonly string[]) =>
  nasInside(['run', file, '--workdir', workdir, ...set.flatMap((assignment) => ['--set', assignment])]);

const exported = (number: number) => join(first, 'artifacts', 'frontier', `trial-0000${number}.onnx`);

/** Trials that keep their initial weights: steps of this length change none. */
const still = ['train.optimizer={type: sgd, learning_rate: 1.0e-9}', 'train.epochs=3', 'search.trials=1'];

const enqueued = (number: number) => {
  const { choices, values } = reading(first, (store) => store.trials.all()[number]);
  return {
    set: `search.enqueue=[{name: known, choices: ${JSON.stringify(choices)}}]`,
    accuracy: values['accuracy'].value,
  };
};

const accuracyOf = (workdir: string): number => findings(workdir).trials[0].values['accuracy'].value;

beforeAll(async () => {
  file = writeExperiment(directory, {
    space: '{ type: mobilenet, preset: tiny }',
    teacher: null,
    final: null,
    search: '{ controller: random, trials: 2, parallel: 1 }',
    train: '{ epochs: 10, batch: 16, optimizer: { type: sgd, learning_rate: 0.05 } }',
    objectives: '[accuracy, { name: macs, constraint: { max: 400000 } }]',
  });
  await runInside(file, first);
}, 120_000);

describe('train.from', () => {
  const frontier = () => [0, 1].find((number) => existsSync(exported(number))) ?? 0;

  it('starts trials and final trainings from the weights of an ONNX file', { timeout: 120_000 }, async () => {
    const number = frontier();
    expect(readMetadata(readFileSync(exported(number))).places?.[0]).toBe('stage1.1');
    const { set, accuracy } = enqueued(number);
    expect(accuracy).toBeGreaterThan(0.5);
    const workdir = join(directory, 'from-onnx');
    const notes = await notesOf(workdir, `train.from=${exported(number)}`, ...still, set, 'final.epochs=3');
    expect(notes).toContainEqual(
      expect.stringMatching(
        /^Trainings start from .*trial-0000\d\.onnx: the largest network of the space takes \d+ of \d+ layers \(\d+ % of the weights\) from it, the smallest/,
      ),
    );
    // Batch norm's statistics follow anew.
    expect(Math.abs(accuracyOf(workdir) - accuracy)).toBeLessThan(0.1);
    const [final] = reading(workdir, (store) => store.finals.all());
    expect(final.from).toBe('weights');
    expect(Math.abs((final.accuracy ?? 0) - accuracy)).toBeLessThan(0.1);
  });

  it('is part of what makes a run the same', { timeout: 120_000 }, async () => {
    const copy = join(directory, 'copy.onnx');
    cpSync(exported(frontier()), copy);
    const workdir = join(directory, 'changed');
    const loaded = loadExperiment(file, { set: [`train.from=${copy}`] });
    await interrupted(loaded, workdir, () => existsSync(join(workdir, 'artifacts', 'initial.bin')));
    writeFileSync(copy, Buffer.concat([readFileSync(copy), Buffer.from([0])]));
    await expect(resumeExperiment(workdir, { workers: inside }, () => undefined)).rejects.toMatchObject({
      code: 'inputs-changed',
      message: expect.stringMatching(/train\.from: the file of weights .*copy\.onnx has another content/) as string,
    });
  });

  it('is checked by nas validate, and takes as much from a TF.js model', async () => {
    const number = frontier();
    const web = join(directory, 'web');
    await nasOut('export', first, '--trial', `${number}`, '--to', 'tfjs', '-o', web);
    const takenFrom = async (from: string): Promise<string | undefined> => {
      const out = await nasOut('validate', file, '--set', `train.from=${from}`);
      return /^valid: .*\nTrainings start from .*: the (largest network of the space takes .*)/.exec(out)?.[1];
    };
    const taken = await takenFrom(exported(number));
    expect(taken).toBeDefined();
    expect(await takenFrom(web)).toBe(taken);
  });

  it.each([
    ['is none', 'teacher.bin', /train\.from: .*is damaged: it has only 3 bytes/],
    ['is not there', 'nowhere.onnx', /there is no file or folder .*nowhere\.onnx/],
  ])('is refused with its place before anything is written when it %s', async (_, name, message) => {
    writeFileSync(join(directory, 'teacher.bin'), 'abc');
    const workdir = join(directory, 'refused');
    await expectRefusal(refusal(workdir, `train.from=${join(directory, name)}`), message);
    expect(existsSync(workdir)).toBe(false);
  });

  it('is refused in spaces whose networks share no weights', async () => {
    const workdir = join(directory, 'cells');
    await expectRefusal(
      refusal(workdir, `train.from=${exported(frontier())}`, 'space={type: nas-bench-201}'),
      /train\.from: members of the space .* share no weights/,
    );
    expect(existsSync(workdir)).toBe(false);
  });
});
