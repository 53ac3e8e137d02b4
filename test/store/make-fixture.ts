/**
 * Writes the database of a small run with the current schema: `npx tsx test/store/make-fixture.ts`. Run once when a
 * schema is released; its file then stays, and every later version is tested to read it. Before the first release, a
 * changed schema replaces its file.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Store } from '../../store/index.js';
import { schemaVersion } from '../../store/schema.js';

const path = fileURLToPath(new URL(`fixtures/v${schemaVersion}.sqlite`, import.meta.url));
if (existsSync(path))
  throw new Error(`${path} exists: a released schema never changes; before a release, delete the file first`);

let now = 1_764_000_000_000;
const store = Store.create(
  path,
  {
    name: 'fixture',
    seed: 3,
    source: 'name: fixture\nseed: 3\n',
    written: { name: 'fixture', seed: 3 },
    experiment: { name: 'fixture', seed: 3, search: { controller: 'random', trials: 4 } },
    threads: 1,
    version: '0.1.0',
    environment: { node: 'v20', cores: 2 },
  },
  () => (now += 250),
);
const network = (width: number) => ({ kind: 'network', input: [28, 28, 1], classes: 10, width });
store.measurements.add({
  genotypeId: '9-9',
  network: network(9),
  purpose: 'calibration',
  device: 'local',
  ms: 1.5,
  p50: 1.45,
  p95: 1.75,
  p99: 2,
  interval: [1.4, 1.6],
  converged: true,
  samples: [1.4, 1.5, 1.6],
  environment: { threads: 1, provider: 'cpu' },
});
store.curves.add(
  { stage: 'teacher' },
  {
    epoch: 0,
    trainLoss: 1,
    trainAccuracy: 0.5,
    validationLoss: 1.5,
    validationAccuracy: 0.25,
    metrics: {},
    learningRate: 0.1,
    seconds: 9,
  },
);
for (let number = 0; number < 4; number++) {
  store.trials.ask({
    number,
    genotype: [number, 1],
    genotypeId: `${number}-1`,
    choices: { width: 8 * number, se: true },
    network: network(number),
    seed: 100 + number,
    reason: 'drawn at random',
    rejected: number,
    pending: number === 3 ? [2] : [],
    predictions: {
      fp32: { ms: 1 + number / 4, std: 0.25, coverage: 1 },
      ...(number === 2 ? { int8: { ms: 0.75, std: 0.125, coverage: 1 } } : {}),
    },
  });
  if (number === 3) break;
  store.trials.start(number);
  store.curves.add(
    { stage: 'search', trial: number },
    {
      epoch: 0,
      trainLoss: 2,
      trainAccuracy: 0.5,
      validationLoss: 1,
      validationAccuracy: 0.75,
      metrics: { balanced_accuracy: 0.625, macro_f1: 0.5, worst_recall: 0.25 },
      learningRate: 0.1,
      seconds: 3,
    },
  );
}
store.trials.finish(0, {
  state: 'complete',
  values: { accuracy: { value: 0.75, provenance: 'measured' }, latency_ms: { value: 1, provenance: 'predicted' } },
});
store.trials.revise(0, { latency_ms: { value: 1.25, provenance: 'measured' } });
store.measurements.add({
  trial: 0,
  genotypeId: '0-1',
  network: network(0),
  purpose: 'trial',
  precision: 'int8',
  device: 'local',
  ms: 0.5,
  p50: 0.5,
  p95: 0.625,
  p99: null,
  interval: [0.49, 0.51],
  converged: true,
  samples: [0.5],
  environment: { threads: 1, provider: 'cpu' },
});
store.variants.revise(0, 'fp32', { latency_ms: { value: 1.25, provenance: 'measured' } });
store.variants.revise(0, 'int8', { latency_ms: { value: 0.5, provenance: 'measured' } });
store.variants.judge(0, 'fp32', { accepted: true, reason: null });
store.variants.judge(0, 'int8', { accepted: true, reason: null, detail: { method: 'minmax' } });
store.trials.revise(0, { latency_ms: { value: 0.5, provenance: 'measured' } }, 'int8');
store.trials.finish(1, { state: 'failed', message: 'the training loss is not a number', values: {} });
store.finals.start(0);
store.finals.finish(0, {
  state: 'complete',
  accuracy: 0.8,
  testAccuracy: 0.79,
  epochs: 5,
  seconds: 30,
  from: 'supernet',
});
store.finals.finish(0, {
  precision: 'int8',
  state: 'complete',
  accuracy: 0.79,
  epochs: 5,
  seconds: 30,
  from: 'supernet',
});
store.artifacts.add({ stage: 'final', trial: 0 }, { kind: 'onnx', path: 'artifacts/0.onnx', sha256: 'ab', bytes: 123 });
const epoch = {
  epoch: 0,
  trainLoss: 1.5,
  trainAccuracy: 0.5,
  validationLoss: 1.25,
  metrics: {},
  learningRate: 0.1,
  seconds: 40,
};
store.curves.add({ stage: 'final', trial: 0 }, { ...epoch, validationAccuracy: 0.78125 });
store.curves.add({ stage: 'supernet' }, { ...epoch, validationAccuracy: 0.625 });
const weights = { kind: 'weights', path: 'artifacts/supernet/weights.bin', sha256: 'cd', bytes: 45 };
store.artifacts.add({ stage: 'supernet' }, weights);
store.classResults.add(0, {
  stage: 'search',
  precision: 'fp32',
  split: 'validation',
  classes: ['cat', 'dog'],
  details: {
    type: 'classification',
    confusion: [
      [5, 1],
      [0, 2],
    ],
    calibrationError: 0.125,
  },
});
store.classResults.add(1, {
  stage: 'search',
  precision: 'fp32',
  split: 'validation',
  classes: ['age'],
  details: {
    type: 'regression',
    numbers: [{ mae: 4.5, rmse: 6, r2: 0.75, errors: { mae: 0.5, rmse: 0.75, r2: 0.0625 } }],
    errors: { score: 0.0625, mae: 0.5 },
  },
});
store.run.setStatus('interrupted', 'Ctrl-C');
store.close();
