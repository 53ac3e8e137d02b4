import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Random } from '../../../base/random.js';
import { parseExperiment, trainingOf } from '../../../experiments/parse/index.js';
import { costs, createSpace, choicesOf, genotypeId, sampleGenotype } from '../../../spaces/index.js';
import { Store, type StoredPrecision, type Training } from '../../../store/index.js';
import { writeCache } from '../../../trainers/data/cache.js';
import { exampleEnvironment as environment } from '../../support/environment.js';
import { newTrial, newEpoch, meta } from '../../store/support.js';
import { measured } from '../../runner/stored/trials.js';

export interface ExampleOptions {
  readonly trials?: number;
  readonly seed?: number;
  /** Further lines of the experiment file. */
  readonly lines?: readonly string[];
  /** The name in the store, and of a class; default: the name in the file. */
  readonly title?: string;
  /** The controller's reason for each trial. */
  readonly reason?: string;
  /** Whether the run goes on, in the training of one more trial. */
  readonly running?: boolean;
}

/** Images that trials take for other classes, in the folder `images` of the workdir. */
const wrong = [
  { row: 3, path: 'shirt/0003.png', actual: 0, predicted: 2, probability: 0.9871 },
  { row: 1, path: 'bag/0001.png', actual: 1, predicted: 0, probability: 0.8432 },
  { row: 0, path: 'shirt/0000.png', actual: 0, predicted: 2, probability: 0.7004 },
];

/** Writes a converted data set of grey stripes. */
async function writeImages(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const [side, count] = [16, 4];
  const pixels = Uint8Array.from(
    { length: count * side * side },
    (_, i) => 60 * Math.floor(i / (side * side)) + 8 * (i % side),
  );
  await writeCache(directory, {
    kind: 'pixels',
    name: 'stripes',
    fingerprint: 'stripes',
    classes: ['shirt', 'bag', 'other'],
    height: side,
    width: side,
    channels: 1,
    count,
    async *read() {
      yield await Promise.resolve({ pixels, labels: [0, 1, 2, 0], split: null });
    },
  });
}

const fails = (number: number): boolean => number % 17 === 11;
const isPruned = (number: number): boolean => number % 9 === 5;
const isInt8 = (number: number): boolean => number % 3 === 1;

/**
 * Writes the workdir of a finished run with everything that pages show: real networks, synthetic accuracies and latencies with
 * samples, predictions, both precisions, learning curves, results by class, final trainings, files, notes and warnings. It is
 * deterministic.
 */
export async function writeExampleRun(
  workdir: string,
  name: string,
  {
    trials = 60,
    seed = 1,
    lines = [],
    title = name,
    reason = 'greatest expected improvement of the frontier',
    running = false,
  }: ExampleOptions = {},
): Promise<void> {
  const images = join(workdir, 'images');
  await writeImages(images);
  const source = [
    `name: ${name}`,
    `seed: ${seed}`,
    'data: fashion-mnist',
    'space: { type: mobilenet, preset: tiny }',
    'teacher: { type: train, network: resnet }',
    'train: { epochs: 4 }',
    'latency: { budget_ms: 1.5 }',
    'compress: { int8: auto }',
    `search: { controller: surrogate, trials: ${trials} }`,
    'final: { epochs: 8 }',
    ...lines,
    '',
  ].join('\n');
  const experiment = trainingOf(parseExperiment('example.yaml', source));
  const task = { input: [28, 28, 1] as const, classes: 10 };
  const space = await createSpace(experiment.space, task);
  const random = new Random(seed, 'example-run');
  let now = Date.UTC(2026, 0, 1);
  const about = { ...meta, name: title, seed, source, experiment, written: undefined, task, threads: 1, environment };
  const store = Store.create(join(workdir, 'nas.sqlite'), about, () => (now += 20));
  const seen = new Set<string>();

  const train = (training: Training, epochs: number, end: number): void => {
    for (let epoch = 0; epoch < epochs; epoch++) {
      now += 3000;
      const left = Math.exp((-4 * (epoch + 1)) / epochs);
      store.curves.add(
        training,
        newEpoch(epoch, {
          ...{ trainLoss: 0.3 + 2 * left, trainAccuracy: end - 0.3 * left + 0.01 },
          ...{ validationLoss: 0.35 + 2 * left, validationAccuracy: end - 0.3 * left },
          ...{ learningRate: 0.1 * left, seconds: 3 },
        }),
      );
    }
  };
  const measure = (trial: number, id: string, network: unknown, precision: StoredPrecision, ms: number): void => {
    const samples = Array.from({ length: 200 }, () => ms * (0.98 + 0.04 * random.uniform() ** 3));
    const at = (share: number): number => samples.toSorted((a, b) => a - b)[Math.floor(share * 199)];
    store.measurements.add({
      trial,
      genotypeId: id,
      network,
      purpose: 'trial',
      precision,
      device: 'local',
      ms,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      interval: [0.985 * ms, 1.015 * ms],
      converged: trial % 7 !== 3,
      samples,
      environment:
        trial % 5 === 2
          ? { ...environment, reliable: false, reasons: ['other programs kept 1.1 of 2 processors busy'] }
          : { ...environment, reliable: true },
    });
  };

  store.transaction(() => {
    train({ stage: 'teacher' }, 4, 0.93);
    for (let number = 0; number < trials;) {
      const genotype = sampleGenotype(space, random);
      const id = genotypeId(genotype);
      if (seen.has(id)) continue;
      seen.add(id);
      const network = space.build(genotype);
      const { macs, sizeBytes } = costs(network);
      const fp32 = 0.08 + (macs / 6e6) * (0.9 + 0.2 * random.uniform());
      const int8 = fp32 / (1.05 + 0.8 * random.uniform());
      const accuracy = 0.915 - 0.22 * Math.exp(-3 * fp32) - 0.03 * random.uniform();
      const std = 0.05 * fp32;
      store.trials.ask({
        number,
        genotype,
        genotypeId: id,
        choices: choicesOf(space.decisions, genotype),
        network,
        seed: number,
        reason,
        rejected: number % 4,
        pending: number % 5 === 4 ? [number - 1] : [],
        predictions: {
          fp32: { ms: fp32 + std * random.normal(), std, coverage: number % 10 === 7 ? 0.8 : 1 },
          int8: { ms: int8 + 0.05 * int8 * random.normal(), std: 0.05 * int8, coverage: 1 },
        },
      });
      store.trials.start(number);
      train({ stage: 'search', trial: number }, isPruned(number) ? 1 : 4, accuracy);
      if (fails(number))
        store.trials.finish(number, { state: 'failed', message: 'the training loss is not a number', values: {} });
      else {
        measure(number, id, network, 'fp32', fp32);
        measure(number, id, network, 'int8', int8);
        store.variants.revise(number, 'fp32', measured({ accuracy, latency_ms: fp32, size_bytes: sizeBytes }));
        store.variants.judge(number, 'fp32', { accepted: true, reason: null });
        const drop = isInt8(number) ? 0.001 : 0.03;
        const small = { accuracy: accuracy - drop, latency_ms: int8, size_bytes: Math.round(sizeBytes / 3.5) };
        store.variants.revise(number, 'int8', measured(small));
        store.variants.judge(number, 'int8', {
          accepted: isInt8(number),
          reason: isInt8(number) ? null : 'int8 loses 3.00 points (max_accuracy_drop 0.005)',
          detail: {
            rejected_by: isInt8(number) ? null : 'accuracy',
            speedup: fp32 / int8,
            accuracy: { fp32: accuracy, int8: small.accuracy },
          },
        });
        const { accuracy: share, latency_ms } = isInt8(number) ? small : { accuracy, latency_ms: fp32 };
        store.trials.finish(number, {
          ...(isPruned(number)
            ? { state: 'pruned', message: 'stopped after 1 of 4 epochs: rank 5 of 6 in its rung' }
            : { state: 'complete' }),
          values: {
            ...measured({ accuracy: share }),
            latency_ms: { value: latency_ms, provenance: number % 4 === 2 ? 'predicted' : 'measured' },
          },
          precision: isInt8(number) ? 'int8' : 'fp32',
        });
        store.classResults.add(number, {
          stage: 'search',
          precision: isInt8(number) ? 'int8' : 'fp32',
          split: 'validation',
          classes: ['shirt', 'bag', title],
          details: {
            type: 'classification',
            confusion: [
              [900, 0, 100],
              [7, 1000, 0],
              [number, 20, 800],
            ],
            calibrationError: 0.0125,
            ...(number % 20 === 0 && { wrong: { directory: images, images: wrong } }),
          },
        });
      }
      number++;
    }
    store.events.add({ kind: 'note', trial: 3, detail: { message: 'images were read from the cache' } });
    store.events.add({ kind: 'warning', detail: { message: 'the machine is busy: intervals are wide' } });
  });
  finish(store, workdir, (epochs, trial, accuracy) => train({ stage: 'final', trial }, epochs, accuracy));
  if (running) {
    const genotype = space.decisions.map(() => 0);
    const choices = choicesOf(space.decisions, genotype);
    const network = space.build(genotype);
    store.trials.ask(newTrial(trials, { genotype, genotypeId: genotypeId(genotype), choices, network, reason }));
    store.trials.start(trials);
    train({ stage: 'search', trial: trials }, 1, 0.5);
  } else store.run.setStatus('complete');
  store.close();
}

/** Adds final trainings and files for the five most accurate complete trials. */
function finish(store: Store, workdir: string, train: (epochs: number, trial: number, accuracy: number) => void): void {
  const best = store.trials
    .all()
    .filter(({ state }) => state === 'complete')
    .sort((a, b) => b.values['accuracy'].value - a.values['accuracy'].value)
    .slice(0, 5);
  for (const { number, precision, values } of best) {
    const accuracy = values['accuracy'].value + 0.012;
    store.finals.start(number);
    train(8, number, accuracy);
    store.finals.finish(number, {
      precision,
      state: 'complete',
      accuracy,
      testAccuracy: accuracy - 0.004,
      epochs: 8,
      seconds: 24,
    });
    const path = `artifacts/frontier/trial-${String(number).padStart(5, '0')}${precision === 'int8' ? '.int8' : ''}.onnx`;
    const content = `weights of trial ${number}\n`;
    mkdirSync(dirname(join(workdir, path)), { recursive: true });
    writeFileSync(join(workdir, path), content);
    store.artifacts.add(
      { stage: 'final', trial: number },
      {
        kind: precision === 'int8' ? 'onnx-int8' : 'onnx',
        path,
        sha256: createHash('sha256').update(content).digest('hex'),
        bytes: content.length,
      },
    );
  }
}
