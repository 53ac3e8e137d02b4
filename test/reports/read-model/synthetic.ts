import { Random } from '../../../base/random.js';
import { deviceText, measureText } from '../../../reports/read-model/text.js';
import { partsOf } from '../../../reports/read-model/network-parts.js';
import type { ReportData, ReportMember, ReportTrial } from '../../../reports/read-model/data.js';
import { choicesOf, costs, createSpace, genotypeId, type Space } from '../../../spaces/index.js';
import { exampleEnvironment as environment } from '../../support/environment.js';

function trialOf(space: Space, number: number, random: Random): ReportTrial {
  const genotype = space.canonical(space.decisions.map(({ choices }) => random.int(choices.length)));
  const { macs } = costs(space.build(genotype));
  const latency = macs / 2e7 + 0.1 + 0.02 * random.uniform();
  const accuracy = 0.93 - 0.12 * Math.exp(-2.5 * latency) - 0.02 * random.uniform();
  return {
    number,
    state: 'complete',
    genotypeId: genotypeId(genotype),
    choices: choicesOf(space.decisions, genotype),
    values: { accuracy, latency_ms: latency },
    provenance: { accuracy: 'measured', latency_ms: number % 3 === 0 ? 'measured' : 'predicted' },
    reason: 'random',
    enqueued: null,
    message: null,
    startedAfter: 60 * number,
    finishedAfter: 60 * number + 55,
  };
}

function memberOf(space: Space, trial: ReportTrial, random: Random): ReportMember {
  const { accuracy, latency_ms: ms } = trial.values;
  const network = space.build(trial.genotypeId.split('-').map(Number));
  const { macs, params, activationBytes, sizeBytes } = costs(network);
  const curve = (epochs: number, end: number) =>
    Array.from({ length: epochs }, (_, epoch) => ({
      epoch,
      trainLoss: 2 * Math.exp(-epoch / 3),
      trainAccuracy: end - 0.3 * Math.exp((-4 * (epoch + 1)) / epochs),
      validationLoss: 2.1 * Math.exp(-epoch / 4),
      validationAccuracy: end - 0.25 * Math.exp((-4 * (epoch + 1)) / epochs) * (1 + 0.1 * random.normal()),
    }));
  const final = accuracy + 0.01 + 0.01 * random.uniform();
  return {
    ...trial,
    provenance: { accuracy: 'measured', latency_ms: 'measured' },
    latency: {
      ms,
      p50: ms,
      p95: 1.1 * ms,
      p99: 1.3 * ms,
      interval: [0.985 * ms, 1.015 * ms],
      converged: true,
      environment,
      on: deviceText(environment),
      certainty: { interval: [0.985 * ms, 1.015 * ms] },
      explanation: 'Measured in session 2.',
    },
    predicted: { ms: ms * (1 + 0.05 * random.normal()), std: 0.05 * ms, coverage: 1 },
    final: {
      state: 'complete',
      accuracy: final,
      testAccuracy: final - 0.004,
      onFrontier: true,
      epochs: 20,
      from: 'nothing',
      message: null,
    },
    costs: { macs, params, activationBytes, sizeBytes },
    network,
    parts: partsOf(network),
    curves: { search: curve(5, accuracy), final: curve(20, final) },
    files: [
      {
        kind: 'onnx',
        path: `artifacts/frontier/trial-${trial.number}.onnx`,
        bytes: sizeBytes,
        sha256: 'ab'.repeat(32),
      },
    ],
  };
}

/** A run of `trials` made-up trials over the tiny MobileNet space, as a report sees it. */
export async function syntheticReport(trials = 20, seed = 1): Promise<ReportData> {
  const random = new Random(seed, 'synthetic-report');
  const space = await createSpace({ type: 'mobilenet' }, { input: [28, 28, 1], classes: 10 });
  const all = Array.from({ length: trials }, (_, number) => trialOf(space, number, random));
  const frontier = all
    .filter(({ values: a }) => !all.some(({ values: b }) => b.accuracy > a.accuracy && b.latency_ms < a.latency_ms))
    .sort((a, b) => a.values.latency_ms - b.values.latency_ms)
    .map((trial) => memberOf(space, trial, random));
  const pairs = frontier.flatMap(({ number, predicted, latency }) =>
    predicted === null || latency === null ? [] : [{ trial: number, predicted: predicted.ms, measured: latency.ms }],
  );
  return {
    format: 'nas-report-1',
    run: {
      name: 'synthetic',
      seed,
      evaluation: 'training',
      task: 'classification',
      status: 'complete',
      message: null,
      startedAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:10:00.000Z',
      version: '0.1.0',
      threads: 1,
      planned: trials,
      counts: { waiting: 0, running: 0, complete: trials, pruned: 0, failed: 0 },
      rejected: 12,
    },
    objectives: [
      { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
      { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
    ],
    measures: { accuracy: measureText('accuracy'), latency_ms: measureText('latency_ms') },
    titles: { final: 'final accuracy', test: 'test accuracy' },
    trials: all,
    frontier,
    supernet: null,
    latencies: null,
    prediction: { pairs, count: 3, unreliable: 0, mapeError: 1, mape: 4.2, spearman: 0.97 },
    environment: { engine: 'compiled', runtime: environment.runtime, cpu: environment.cpu, cores: '2' },
    provenance: {
      data: 'Fashion-MNIST (10,800 / 6,000 / 10,000 images)',
      teacher: 'ResNet, 4 epochs',
      loss: 'kd',
      search: 'local',
    },
    settings: 'name: synthetic\nseed: 1\n',
    source: '# as written\nname: synthetic\n',
  };
}
