import { metricsOf } from '../../base/scores.js';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseOnnx } from '../../compiler/index.js';
import { modelMetadataSchema, readMetadata, type ModelMetadata } from '../../deploy/index.js';
import { evaluateOnSplit } from '../../runner/index.js';
import { loadExperiment, trainingOf } from '../../experiments/parse/index.js';
import { Store } from '../../store/index.js';
import { prepareDataset } from '../../trainers/index.js';
import { cachedFolder, writeExperiment } from '../runner/experiment.js';
import { runInside } from '../runner/inside.js';
import { nasInside, expectRefusal, nasOut } from './nas.js';
import { hasProgram, runOnHost } from '../deploy/edge/c/support/compilers.js';

const directory = cachedFolder();
const workdir = join(directory, 'run');
let file = '';

beforeAll(async () => {
  file = writeExperiment(directory, {
    name: 'exporting',
    teacher: null,
    train: '{ epochs: 2, batch: 32, class_weight: auto }',
    search: '{ controller: random, trials: 2, parallel: 1 }',
    final: null,
  });
  await runInside(file, workdir);
}, 120_000);

const onFrontier = (): number => {
  using store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
  return store.artifacts.all().find(({ kind }) => kind === 'onnx')?.trial ?? -1;
};

type Exported = { readonly to: string; readonly model: Buffer; readonly metadata: ModelMetadata; readonly err: string };
const exports = new Map<string, Promise<Exported>>();

/** The export of a trial of the frontier with these options. */
function exported(...args: string[]): Promise<Exported> {
  const key = args.join(' ');
  const known = exports.get(key) ?? exportWith(join(directory, `exported ${key}`), args);
  exports.set(key, known);
  return known;
}

async function exportWith(to: string, args: readonly string[]): Promise<Exported> {
  const one = ['export', workdir, '--trial', `${onFrontier()}`, '--to', 'onnx', '-o', to];
  const { code, err } = await nasInside([...one, ...args]);
  expect({ code, err }).toMatchObject({ code: 0 });
  const model = readFileSync(join(to, 'model.onnx'));
  const metadata = modelMetadataSchema.parse(JSON.parse(readFileSync(join(to, 'metadata.json'), 'utf8')));
  expect(readMetadata(model)).toEqual(metadata);
  return { to, model, metadata, err };
}

const operators = (model: Uint8Array): Set<string> => new Set(parseOnnx(model).graph.node.map(({ opType }) => opType));

async function accuracies(model: Uint8Array) {
  const dataset = await prepareDataset(trainingOf(loadExperiment(file)).data);
  const on = async (split: 'validation' | 'test') => (await evaluateOnSplit(model, dataset, split)).accuracy;
  return { validation: await on('validation'), test: await on('test') };
}

describe('nas export --precision', () => {
  it('quantizes a trial of a run without int8, with metadata', async () => {
    const float = await exported();
    const int8 = await exported('--precision', 'int8');
    expect(float.metadata.precision ?? 'fp32').toBe('fp32');
    expect(operators(float.model)).not.toContain('QuantizeLinear');
    expect(operators(int8.model)).toContain('QuantizeLinear');
    const { precision, quantization, accuracy, latency, ...rest } = int8.metadata;
    expect(precision).toBe('int8');
    expect(latency).toBeUndefined();
    // The data has fewer training images than the calibration needs.
    expect(quantization).toMatchObject({ images: 180 });
    expect(['minmax', 'percentile']).toContain(quantization?.method);
    expect(accuracy).toEqual(await accuracies(int8.model));
    const { accuracy: own, latency: measured, precision: before, ...of } = float.metadata;
    expect(own).toBeDefined();
    expect([measured, before]).toBeDefined();
    expect(rest).toEqual(of);
  });

  it('uses the file of the run, by default in the chosen precision', async () => {
    const trial = onFrontier();
    const { model: own } = await exported('--precision', 'int8');
    const copy = join(directory, 'chosen');
    cpSync(workdir, copy, { recursive: true });
    writeFileSync(join(copy, 'own.int8.onnx'), own);
    const store = Store.open(join(copy, 'nas.sqlite'));
    const artifact = { kind: 'onnx-int8', path: 'own.int8.onnx', sha256: 'x', bytes: own.byteLength };
    store.artifacts.add({ stage: 'final', trial }, artifact);
    for (const precision of ['fp32', 'int8'] as const)
      store.variants.judge(trial, precision, { accepted: true, reason: null });
    const { macs, accuracy } = store.trials.get(trial)?.values ?? {};
    store.variants.revise(trial, 'fp32', { macs, accuracy });
    // Neither precision dominates; int8 is chosen.
    const better = { ...accuracy, value: accuracy.value + 0.001 };
    store.trials.revise(trial, { macs: { ...macs, value: macs.value + 1 }, accuracy: better }, 'int8');
    store.close();

    const one = ['export', copy, '--trial', `${trial}`, '--json'];
    const to = join(directory, 'chosen-out');
    const onnx = await nasInside([...one, '--to', 'onnx', '-o', to]);
    expect(JSON.parse(onnx.out)).toMatchObject([{ trial, directory: to, precision: 'int8' }]);
    expect(readFileSync(join(to, 'model.onnx'))).toEqual(own);
    const web = await nasInside([...one, '--to', 'tfjs', '-o', join(directory, 'web')]);
    expect(JSON.parse(web.out)).toMatchObject([{ precision: 'fp32' }]);
    const [site, alone] = ['site', 'alone'].map((name) => join(directory, name));
    await nasOut(...one, '--to', 'web', '-o', site);
    await nasOut(...one, '--to', 'web', '-o', alone, '--precision', 'fp32');
    const named = (folder: string) =>
      [...readFileSync(join(folder, 'index.html'), 'utf8').matchAll(/&quot;name&quot;:&quot;(\w+)&quot;/g)].map(
        ([, name]) => name,
      );
    expect([site, alone].map(named)).toEqual([['int8', 'float32'], ['float32']]);

    const all = join(directory, 'all');
    const pareto = await nasInside(['export', copy, '--pareto', '--to', 'onnx', '-o', all, '--json']);
    const both = (JSON.parse(pareto.out) as { trial: number; directory: string }[]).filter(
      (row) => row.trial === trial,
    );
    expect(both.map((row) => row.directory).toSorted()).toEqual([
      join(all, `trial-${trial}`),
      join(all, `trial-${trial}.int8`),
    ]);
    expect(operators(readFileSync(join(all, `trial-${trial}`, 'model.onnx')))).not.toContain('QuantizeLinear');
    expect(readFileSync(join(all, `trial-${trial}.int8`, 'model.onnx'))).toEqual(own);
    const web2 = await nasInside(['export', copy, '--pareto', '--to', 'tfjs', '-o', join(directory, 'web2'), '--json']);
    expect((JSON.parse(web2.out) as { trial: number }[]).filter((row) => row.trial === trial)).toHaveLength(1);
  });
});

describe('nas export --weights fp16', () => {
  it('writes a smaller file for float32 arithmetic, with its own accuracy', async () => {
    const [float, half] = [await exported(), await exported('--weights', 'fp16')];
    expect(half.model.byteLength).toBeLessThan(float.model.byteLength);
    expect(half.metadata).toEqual({
      ...float.metadata,
      precision: 'fp32',
      weight_format: 'fp16',
      accuracy: await accuracies(half.model),
    });
  });
});

describe('nas export --calibrated', () => {
  it('divides the answers by a temperature: the classes stay, the validation loss falls', async () => {
    const dataset = await prepareDataset(trainingOf(loadExperiment(file)).data);
    const [plain, calibrated] = [await exported(), await exported('--calibrated')];
    const { temperature, ...metadata } = calibrated.metadata;
    expect({ ...metadata, created: '' }).toEqual({ ...plain.metadata, precision: 'fp32', created: '' });
    expect(temperature).toBeGreaterThan(0);
    expect(calibrated.err).toMatch(/temperature \d+\.\d{3}, calibration error [\d.]+ % before, [\d.]+ % after/);
    const [before, after] = [
      await evaluateOnSplit(plain.model, dataset, 'validation'),
      await evaluateOnSplit(calibrated.model, dataset, 'validation'),
    ];
    expect(metricsOf(after.details)).toEqual(metricsOf(before.details));
    expect(after.loss).toBeLessThan(before.loss);
  });
});

describe('results by class', () => {
  it('are shown of the test images, and are those of nas evaluate', async () => {
    const [show, json] = await Promise.all([
      nasInside(['show', workdir, `${onFrontier()}`]),
      nasInside(['show', workdir, `${onFrontier()}`, '--json']),
    ]);
    expect(show.out).toMatch(
      /\nbalanced accuracy +[\d.]+ % ± [\d.]+\nmacro F1 +[\d.]+ % ± [\d.]+\nworst class's recall +[\d.]+ % ± [\d.]+/,
    );
    expect(show.out).toMatch(/\ntest accuracy +[\d.]+ % ± [\d.]+\n/);
    expect(show.out).toContain('Classes (the test images, by the exported file)');
    expect(show.out).toContain('Confusion matrix');
    const { classes } = JSON.parse(json.out) as { classes: { classes: object[]; metrics: object; matrix: number[][] } };
    const model = join((await exported()).to, 'model.onnx');
    const evaluate = await nasInside(['evaluate', model, '--data', file, '--json']);
    const found = JSON.parse(evaluate.out) as { perClass: object[]; metrics: object; confusion: number[][] };
    expect(found.metrics).toEqual(classes.metrics);
    expect(found.perClass).toEqual(classes.classes);
    expect(found.confusion).toEqual(classes.matrix);
    const text = await nasInside(['evaluate', model, '--data', workdir]);
    expect(text.out).toContain('Classes (the test images)');
    expect(text.out).toMatch(/\nTrouser +\d+ /);
  });
});

describe('nas evaluate of several files', () => {
  const evaluate = (...args: string[]) => nasInside(['evaluate', ...args, '--data', workdir]);

  it('shows them side by side, with a test of whether each differs from the first', async () => {
    const [float, int8] = [await exported(), await exported('--precision', 'int8')];
    const lite = join(directory, 'lite');
    const one = ['export', join(int8.to, 'model.onnx'), '--to', 'tflite', '-o', lite];
    await nasOut(...one);
    const files = [...[float, int8].map(({ to }) => join(to, 'model.onnx')), join(lite, 'model.tflite')];
    const { out, code } = await evaluate(...files, '--split', 'validation');
    expect(code).toBe(0);
    const rows = out.split('\n');
    expect(rows[0]).toMatch(/^\d+ images of the validation split$/);
    expect(rows[1].split(/ {2,}/)).toEqual([
      'model',
      'precision',
      'accuracy',
      'only it is right',
      'only the first',
      'p',
    ]);
    files.forEach((file, i) => expect(rows[2 + i]).toContain(file));
    expect(rows[4]).toMatch(/int8 +[\d.]+ % ± [\d.]+ +\d+ +\d+ +[\d.]+$/);
    const found = JSON.parse((await evaluate(...files, '--split', 'validation', '--json')).out) as readonly {
      readonly accuracy: number;
      readonly count: number;
      readonly latency: null;
      readonly againstFirst: { readonly onlyFirst: number; readonly onlySecond: number; readonly p: number };
    }[];
    expect(found.map(({ latency }) => latency)).toEqual([null, null, null]);
    for (const { accuracy, count, againstFirst } of found) {
      const { onlyFirst, onlySecond } = againstFirst;
      expect(onlySecond - onlyFirst).toBe(Math.round((accuracy - found[0].accuracy) * count));
    }
    expect(found[0].againstFirst).toEqual({ onlyFirst: 0, onlySecond: 0, p: 1 });
  });

  it('refuses what is for one file, and measures no latency where none is wanted', async () => {
    const file = join((await exported()).to, 'model.onnx');
    for (const option of ['--wrong', '--sheet=found.html'])
      await expectRefusal(evaluate(file, file, option), 'is for one file');
    const { out } = await evaluate(file, '--no-latency');
    expect(out).toContain('cross-entropy');
    expect(out).not.toContain('latency');
  });
});

describe('the card of an export', () => {
  it('says what the run knows of the network', async () => {
    const { to, err, metadata } = await exported('--precision', 'int8', '--license', 'mit');
    expect(err).toMatch(/\naccuracy [\d.]+ % \(95 % interval [\d.]+ % to [\d.]+ %\) of \d+ test images\nint8 has/);
    const card = readFileSync(join(to, 'README.md'), 'utf8');
    expect(card).toMatch(/^---\nlicense: mit\n/);
    expect(card).toContain(`# exporting, trial ${onFrontier()}`);
    expect(card).toMatch(/\| Trouser \| \d+ \|/);
    expect(card).toMatch(/- splits: 180 train, \d+ validation, \d+ test\n- fingerprint: `[0-9a-f]+`/);
    expect(card).toContain('- length: 2 epochs');
    expect(card).toContain(`- int8: ${metadata.quantization?.method}`);
    expect(card).toContain(`nas export run --trial ${onFrontier()} --to onnx --precision int8 --license mit -o `);
    // Folders of this machine are nobody's business.
    expect(card).not.toContain(directory);
  });

  it('never replaces a file of another kind', async () => {
    const to = join(directory, 'mine');
    mkdirSync(to);
    writeFileSync(join(to, 'README.md'), 'mine');
    await expectRefusal(
      nasInside(['export', workdir, '--trial', '0', '--to', 'tfjs', '-o', to]),
      'another export: README.md',
    );
    expect(readFileSync(join(to, 'README.md'), 'utf8')).toBe('mine');
  });
});

describe('the folder of an export', () => {
  const run = (to: string, ...args: string[]) => nasInside(['export', workdir, '-o', join(directory, to), ...args]);

  it('is written again by the same export; another one needs --force', async () => {
    const [first, other] = ['0', '1'].map((trial) => ['--to', 'tfjs', '--trial', trial]);
    expect(await run('held', ...first)).toMatchObject({ code: 0 });
    const kept = readFileSync(join(directory, 'held', 'weights.bin'));
    expect(await run('held', ...first)).toMatchObject({ code: 0 });
    await expectRefusal(run('held', ...other), `${join(directory, 'held')} holds another export`);
    expect(readFileSync(join(directory, 'held', 'weights.bin'))).toEqual(kept);
    expect(readdirSync(directory).filter((name) => name.startsWith('.nas-export'))).toEqual([]);
    expect(await run('held', ...other, '--force')).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'held', 'weights.bin'))).not.toEqual(kept);
  });

  it('may hold other files', async () => {
    mkdirSync(join(directory, 'other'));
    writeFileSync(join(directory, 'other', 'notes.txt'), 'mine');
    expect(await run('other', '--to', 'tfjs', '--trial', '0')).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'other', 'notes.txt'), 'utf8')).toBe('mine');
  });
});

it.each([
  [['--to', 'onnx', '--precision', 'int8', '--weights', 'fp16'], 'the weights of int8 models are bytes'],
  [['--to', 'tfjs', '--precision', 'int8'], 'TF.js layers models are of float32, not int8'],
  [['--to', 'tfjs', '--weights', 'fp16'], 'TF.js layers models are of float32, not fp16'],
])('nas export refuses %j', async (args, message) => {
  await expectRefusal(nasInside(['export', workdir, '--trial', '0', '-o', join(directory, 'none'), ...args]), message);
});

describe('nas export --to tflite', () => {
  const run = (from: string, to: string, ...args: string[]) =>
    nasInside(['export', from, '--to', 'tflite', '-o', join(directory, to), ...args]);

  it('writes a trial, and the same bytes of its ONNX file, with metadata inside', async () => {
    const { model, metadata } = await exported('--precision', 'int8');
    writeFileSync(join(directory, 'int8.onnx'), model);
    expect(await run(workdir, 'trial', '--trial', `${onFrontier()}`, '--precision', 'int8')).toMatchObject({ code: 0 });
    const file = join(directory, 'int8.onnx');
    expect(await run(file, 'file')).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^\S+int8\.onnx: \S+\naccuracy [\d.]+ % of the test images\n$/) as string,
    });
    const [trial, ofFile] = ['trial', 'file'].map((name) => readFileSync(join(directory, name, 'model.tflite')));
    expect(ofFile.equals(trial)).toBe(true);
    expect(trial.subarray(4, 8).toString()).toBe('TFL3');
    expect(trial.includes(JSON.stringify(metadata))).toBe(true);
    expect(JSON.parse(readFileSync(join(directory, 'file', 'metadata.json'), 'utf8'))).toEqual(metadata);
    expect(
      readFileSync(join(directory, 'file', 'labels.txt'), 'utf8')
        .trim()
        .split('\n'),
    ).toEqual(metadata.classes);
    expect(await run(file, 'file')).toMatchObject({ code: 0 });
    expect(await run(file, 'file', '--io', 'int8')).toMatchObject({ code: 2 });
    expect(await run(file, 'bytes', '--io', 'int8')).toMatchObject({ code: 0 });
    const bytes = readFileSync(join(directory, 'bytes', 'model.tflite'));
    // The result of the DEQUANTIZE at the end.
    expect([trial, bytes].map((model) => model.includes('logits/float'))).toEqual([true, false]);
  });

  it('says which options do not go together', async () => {
    const file = join(directory, 'float.onnx');
    writeFileSync(file, (await exported()).model);
    const refused = async (...args: string[]) => {
      const { code, err } = await run(file, 'refused', ...args);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused('--io', 'int8')).toContain(`${file} computes in float32`);
    expect(await refused('--precision', 'int8')).toContain('--precision goes with the folder of a run');
    expect(await refused('--weights', 'fp16')).toContain('--weights fp16 goes with --to onnx and --to web');
    const missing = await nasInside(['export', join(directory, 'no.onnx'), '--to', 'tflite', '-o', directory]);
    expect(missing.err).toContain('no.onnx');
    expect(missing.err).not.toContain('folder of a run');
    const again = await nasInside(['export', file, '--to', 'onnx', '-o', directory]);
    expect(again.err).toContain(`${file} is an ONNX file already: --to onnx writes networks of a run`);
    const onnx = await nasInside(['export', workdir, '--pareto', '--to', 'onnx', '--io', 'int8', '-o', directory]);
    expect(onnx.err).toContain('--io int8 goes with --to tflite');
  });
});

it('phones and boards get weights of 8 bits, and no warnings of ONNX Runtime, where a PC needs 7 bits', async () => {
  const old = join(directory, 'seven-bits');
  cpSync(workdir, old, { recursive: true });
  const trial = onFrontier();
  const store = Store.open(join(old, 'nas.sqlite'));
  store.events.add({ kind: 'weight-bits', detail: { weight_bits: 7, arithmetic: 'saturating' } });
  const one = ['export', old, '--trial', `${trial}`, '--precision', 'int8'];
  const to = (name: string): string => join(directory, `seven-${name}`);
  const onnx = await nasInside([...one, '--to', 'onnx', '-o', to('onnx')]);
  expect(onnx.err).toContain('which is slower in int8');
  const written = (name: string): unknown => JSON.parse(readFileSync(join(to(name), 'metadata.json'), 'utf8'));
  expect(written('onnx')).toMatchObject({ quantization: { weight_bits: 7 } });
  cpSync(join(to('onnx'), 'model.onnx'), join(old, 'own.int8.onnx'));
  for (const target of ['tflite', 'c']) {
    const { code, err } = await nasInside([...one, '--to', target, '-o', to(target)]);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(err).not.toContain('warning');
    expect(written(target)).toMatchObject({ quantization: { weight_bits: 8 } });
    // Nor the file that the run wrote for its PC.
    const artifact = { kind: 'onnx-int8', path: 'own.int8.onnx', sha256: target, bytes: 1 };
    if (target === 'tflite') store.artifacts.add({ stage: 'final', trial }, artifact);
  }
  store.close();
});

describe('nas export --to c', () => {
  const run = (from: string, to: string, ...args: string[]) =>
    nasInside(['export', from, '--to', 'c', '-o', join(directory, to), ...args]);
  const cost = /^int8 has [\d.]+ % of test accuracy, float32 [\d.]+ % \(.* points\)$/m;

  it('writes a trial in int8, says what that costs, and refuses float32', async () => {
    const { metadata } = await exported('--precision', 'int8');
    const board = await run(workdir, 'board', '--trial', `${onFrontier()}`);
    expect(board).toMatchObject({ code: 0, err: expect.stringMatching(cost) as string });
    const header = readFileSync(join(directory, 'board', 'model.h'), 'utf8');
    expect(header).toContain(
      `#define NAS_NAMES {${metadata.classes.map((name: string) => JSON.stringify(name)).join(', ')}}`,
    );
    expect(existsSync(join(directory, 'board', 'metadata.json'))).toBe(true);
    await expectRefusal(
      run(workdir, 'float', '--trial', `${onFrontier()}`, '--precision', 'fp32'),
      'computes in float32: models in C compute in int8',
    );
    const tflite = ['export', workdir, '--pareto', '--to', 'tflite', '--rounding', 'tflm', '-o', directory];
    expect((await nasInside(tflite)).err).toContain('--rounding tflm goes with --to c');
  });

  it.skipIf(!hasProgram('gcc'))('what it writes is compiled and passes its self-test', async () => {
    const built = await run(workdir, 'built', '--trial', `${onFrontier()}`, '--rounding', 'tflm', '--json');
    expect(JSON.parse(built.out)).toMatchObject([
      { scores: [expect.stringMatching(/^accuracy /), expect.stringMatching(cost)] },
    ]);
    expect(runOnHost('gcc', join(directory, 'built'))).toBe('3 test images, 0 wrong outputs of 30\n');
  });
});
