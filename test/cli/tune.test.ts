import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { readMetadata } from '../../deploy/index.js';
import { toOnnx } from '../../spaces/models/index.js';
import { shaken } from '../deploy/support/classifiers.js';
import { sharedFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { tinyStudent } from '../trainers/support/networks.js';
import { runExperiment } from '../../runner/index.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import { SimulatedRunner } from '../experiments/keys/simulated.js';
import { outlookLine } from '../../cli/commands/tune.js';
import { nasInside, expectRefusal } from './nas.js';

const folder = sharedFolder();
const model = join(folder, 'other.onnx');
const data = join(folder, 'data');
const experiment = join(folder, 'experiment.yaml');

beforeAll(() => {
  vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
  makeTinyDataset(data, { size: 10, train: 12, test: 4 });
  writeFileSync(model, toOnnx(shaken(tinyStudent({ classes: 7 }))));
  writeFileSync(
    experiment,
    'name: x\ndata: { type: fashion-mnist, path: data }\nspace: mobilenet\ntrain: { class_weight: { Trouser: 10000 } }\n',
  );
});
afterAll(() => vi.unstubAllEnvs());

const tune = (...args: string[]) => nasInside(['tune', model, '-o', join(folder, 'tuned.onnx'), ...args]);

/** Of the class that the experiment gives all weight. */
async function recallOfTrousers(): Promise<number | undefined> {
  const { out } = await nasInside([
    'evaluate',
    join(folder, 'tuned.onnx'),
    '--data',
    `fashion-mnist:${data}`,
    '--json',
  ]);
  const { perClass } = JSON.parse(out) as { perClass: { name: string; recall: number }[] };
  return perClass.find(({ name }) => name === 'Trouser')?.recall;
}

test.each([
  ['Another 12 min (--epochs 16) may bring 0.0 to 1.5 points.', 'classification', [0, 0.015]],
  ['Another 12 min (--epochs 16) may bring 0.010 to 0.030 of R².', 'regression', [0.01, 0.03]],
  ['Validation is flat: more minutes bring nothing.', 'classification', [0, 0.002]],
  ['Too few epochs to say what more minutes bring.', 'classification', null],
] as const)('after the table stands: %s', (line, task, gain) => {
  expect(outlookLine({ task, outlook: { epochs: 16, seconds: 720, gain } })).toBe(line);
});

describe('nas tune', () => {
  it('says what it took for the file, keeps the weights of classes, and leaves nothing to continue', async () => {
    const { code, err } = await tune('--data', experiment, '--head-only', '--mean', '0', '--std', '1');
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err).toContain(
      'other.onnx takes images of 10 x 10 pixels (NHWC); of pixel / 255, mean 0 and std 1: as given',
    );
    expect(err).toMatch(/The new last layer of other\.onnx reads .* \[8\]: features names another value/);
    const tuned = join(folder, 'tuned.onnx');
    const { mean, std } = readMetadata(readFileSync(tuned));
    expect([mean, std]).toEqual([[0], [1]]);
    expect(readdirSync(join(folder, 'cache', 'tuned'))).toEqual([]);
    expect(existsSync(join(folder, 'cache', 'features'))).toBe(true);
    expect(await recallOfTrousers()).toBe(1);
  });

  it('takes the images and the weights of classes of a run, and the engine of an experiment', async () => {
    const workdir = join(folder, 'run');
    const loaded = loadExperiment(experiment, { set: ['space.preset=tiny', 'search.trials=1', 'final=none'] });
    await runExperiment(loaded, { workdir, workers: () => new SimulatedRunner() }, () => undefined);
    expect(await tune('--data', workdir, '--head-only', '--mean', '0', '--std', '1')).toMatchObject({ code: 0 });
    expect(await recallOfTrousers()).toBe(1);

    const other = join(folder, 'other.yaml');
    writeFileSync(other, `${readFileSync(experiment, 'utf8')}engine: { provider: nonsense }\n`);
    await expectRefusal(tune('--data', other, '--head-only', '--mean', '0', '--std', '1'), 'nonsense');
  });

  it.each([
    [['--minutes', '5'], '--minutes belongs to fine-tuning, and --head-only leaves that out'],
    [['--minutes', '0'], '--minutes 0: expected a number above 0'],
    [['--minutes', '5', '--epochs', '2'], '--minutes 5 chooses the epochs, and --epochs 2 gives them'],
    [['--mean', '0'], '--mean 0, --std (none): expected both, and no --normalisation'],
    [['--mean', 'a', '--std', '1'], '--mean a: expected a number, or one for each channel'],
    [['--mean', '0', '--std', '0'], '--std 0: expected a number, or one for each channel'],
    [['--mean', '0', '--std', '1', '--normalisation', 'imagenet'], 'expected both, and no --normalisation'],
    [['--features', 'nothing'], "computes no features [N, size] or [N, size, height, width] named 'nothing'"],
  ])('with %j is refused', async (args, message) => {
    await expectRefusal(tune('--data', `fashion-mnist:${data}`, '--head-only', ...args), message);
  });
});
