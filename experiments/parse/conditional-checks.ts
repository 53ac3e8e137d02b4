import type { Experiment, TrainingExperiment } from '../schema/experiment.js';
import { isMetric, taskMetrics } from '../../base/scores.js';
import { accuracyOf, isAccuracy, taskOf, shortNames } from '../schema/measures.js';
import { isOwnSupernet } from '../schema/run-experiment.js';
import type { KeyPath } from './problem.js';

/** Values that are valid alone but not together. */
export interface Contradiction {
  /** The value to change. */
  readonly path: KeyPath;
  readonly message: string;
}

export type Check = (experiment: Experiment) => readonly Contradiction[];
export type TrainingCheck = (experiment: TrainingExperiment) => readonly Contradiction[];

export const when = (condition: boolean, path: KeyPath, message: string): readonly Contradiction[] =>
  condition ? [{ path, message }] : [];

const int8Path = ['compress', 'int8'];

const got = ({ compress }: TrainingExperiment): string => `got "${compress.int8}"`;

/** Quantization needs trained weights, and a comparison with float32 a device that runs both. */
const use: TrainingCheck = (experiment) => {
  const { compress, evaluate, latency } = experiment;
  if (compress.int8 === 'off') return [];
  const own = `${got(experiment)}; evaluate replaces training, so that there are no weights to quantize: expected off`;
  const table = `${got(experiment)}; the latencies of a table are of one precision: expected off, or a device that measures`;
  const board = `${got(experiment)}; a board runs the int8 program alone, so that there is no float32 to compare: expected require`;
  return [
    ...when(evaluate !== undefined, int8Path, own),
    ...when(latency.device.type === 'table', int8Path, table),
    ...when(latency.device.type === 'serial' && compress.int8 === 'auto', int8Path, board),
  ];
};

/** A device with a fixed precision must match the precisions that are measured. */
const devicePrecision: TrainingCheck = ({ compress: { int8 }, latency: { device } }) => {
  if ((device.type !== 'local' && device.type !== 'worker') || device.precision === undefined) return [];
  const path = ['latency', 'device', 'precision'];
  const { precision } = device;
  const expected = { off: ['fp32'], auto: [], require: ['int8'] } as const satisfies Record<typeof int8, string[]>;
  const allowed: readonly string[] = expected[int8];
  const both = 'both fp32 and int8 are measured: leave it out';
  const message =
    int8 === 'auto' ? both : `networks are measured in ${allowed.join()}: expected ${allowed.join()}, or leave it out`;
  return when(!allowed.includes(precision), path, `got "${precision}"; with compress.int8 ${int8}, ${message}`);
};

/** Each precision needs its own latency model. */
const predictorPrecision: TrainingCheck = ({ compress, latency: { predictor, from } }): readonly Contradiction[] => {
  const path = ['latency', 'predictor'];
  if (from !== undefined) {
    const isFile = from.endsWith('.json') && compress.int8 === 'auto';
    const several = `got "${from}", a model of one precision; with compress.int8 auto, expected the workdir of a run that measures both`;
    const both = `remove it: with latency.from ${from}, that model predicts every latency`;
    return [...when(predictor !== 'auto', path, both), ...when(isFile, ['latency', 'from'], several)];
  }
  if (predictor === 'auto' || predictor === 'none') return [];
  const needed = { off: ['fp32'], auto: ['fp32', 'int8'], require: ['int8'] } as const;
  const wanted: readonly ('fp32' | 'int8')[] = needed[compress.int8];
  const map = `{${wanted.map((precision) => `${precision}: ${precision}.json`).join(', ')}}`;
  if (typeof predictor === 'string') {
    const message = `got "${predictor}"; with compress.int8 ${compress.int8} a model for each precision is needed: expected ${map}, or auto`;
    return when(compress.int8 !== 'off', path, message);
  }
  return (['fp32', 'int8'] as const).flatMap((precision) => {
    const isWanted = wanted.includes(precision);
    const isGiven = predictor[precision] !== undefined;
    const missing = `is missing; with compress.int8 ${compress.int8}, ${precision} is predicted too: expected ${map}`;
    const idle = `got "${predictor[precision] ?? ''}"; with compress.int8 ${compress.int8} nothing is measured in ${precision}: remove it`;
    return [...when(isWanted && !isGiven, path, missing), ...when(!isWanted && isGiven, [...path, precision], idle)];
  });
};

const methods: TrainingCheck = ({ compress: { calibration } }) =>
  calibration.methods.flatMap((method, i) => {
    const first = calibration.methods.indexOf(method);
    const message = `got "${method}"; compress.calibration.methods.${first} is it already`;
    return when(first < i, ['compress', 'calibration', 'methods', i], message);
  });

/** Checks of int8 candidates, their device and latency models. */
export const compressChecks: readonly TrainingCheck[] = [use, devicePrecision, predictorPrecision, methods];

/** An own evaluation excludes every kind of training. */
const ownEvaluation: TrainingCheck = ({ evaluate, teacher, supernet, final }) => {
  if (evaluate === undefined) return [];
  const message = (part: string) => `evaluate replaces training: expected no ${part} beside it`;
  return [
    ...when(teacher.type !== 'none', ['teacher'], message('teacher')),
    ...when(supernet !== undefined, ['supernet'], message('supernet')),
    ...when(final !== null, ['final'], message('final training')),
  ];
};

/** A supernet must be used, and its users need one. */
const supernetUse: TrainingCheck = ({ supernet, search: { evaluate }, final }) => {
  const needed = 'needs a supernet to begin from: add one (supernet: {epochs: 12}), or expected';
  if (supernet === undefined)
    return [
      ...when(evaluate !== 'train', ['search', 'evaluate'], `got "${evaluate}"; it ${needed} train`),
      ...when(final?.from === 'supernet', ['final', 'from'], `got "supernet"; it ${needed} nothing`),
    ];
  const unused = 'nothing uses it: search.evaluate is train, and no final training begins from it';
  return when(evaluate === 'train' && final?.from !== 'supernet', ['supernet'], unused);
};

/** Initial weights must be used, and their users need some. */
const initialUse: TrainingCheck = ({ initial, evaluate: own, supernet, search: { evaluate }, final }) => {
  const path = ['train', 'from'];
  if (initial === undefined) {
    const message = 'got "weights"; it needs weights to begin from: add train.from, or expected nothing';
    return when(final?.from === 'weights', ['final', 'from'], message);
  }
  if (own !== undefined) return [{ path, message: 'evaluate replaces training: expected no from beside it' }];
  const isUsed = supernet === undefined || isOwnSupernet(supernet) || evaluate === 'train' || final?.from === 'weights';
  return when(
    !isUsed,
    path,
    'nothing uses it: the supernet of supernet.from is trained already, and all begin from that',
  );
};

/** A run finds one main score, which the objective `accuracy`, `map` or `r2` stands for, and the metrics of its task. */
const accuracyKind: TrainingCheck = ({ objectives, search: { evaluate }, data }) => {
  const task = taskOf(data);
  const [plain, found] = [accuracyOf('train', task), accuracyOf(evaluate, task)];
  const own: readonly string[] = [found, ...taskMetrics[task]];
  const why = task === 'classification' ? `with search.evaluate ${evaluate}` : `of a ${task} task`;
  return objectives.flatMap(({ name }, i) =>
    when(
      (isAccuracy(name) || isMetric(name)) && !own.includes(name),
      ['objectives', i],
      `got "${name}"; ${why} the search finds ${shortNames[task] ?? found}: expected ${[shortNames[task] ?? plain, ...taskMetrics[task]].join(', ')}`,
    ),
  );
};

/** Supernets have learned from the images of every fold. */
const foldsUse: TrainingCheck = ({ final, folds }) =>
  when(
    folds !== undefined && final?.from === 'supernet',
    ['final', 'folds'],
    `got ${JSON.stringify(folds)}; the supernet has learned from the validation images of every fold: expected final.from nothing, or no folds`,
  );

/** One teacher teaches a training, and none that has learned from the validation images of a fold. */
const finalTeacher: TrainingCheck = ({ final, folds, teacher }) => {
  const path = ['final', 'teacher'];
  const beside = (what: string): string => `got "frontier"; expected none beside ${what}`;
  const isFrontier = final?.teacher === 'frontier';
  return [
    ...when(isFrontier && teacher.type !== 'none', path, beside(`the teacher (teacher: {type: ${teacher.type}})`)),
    ...when(
      isFrontier && folds !== undefined,
      path,
      beside('final.folds: it has learned from the images of every fold'),
    ),
  ];
};

export const evaluationChecks: readonly TrainingCheck[] = [
  ownEvaluation,
  finalTeacher,
  supernetUse,
  initialUse,
  foldsUse,
  accuracyKind,
];

/** Measuring on workers needs a queue. */
const device: TrainingCheck = ({ latency: { device: measured }, workers }) => {
  const message =
    'got "worker"; such a device is a machine of a queue: expected workers: {type: queue, url: ...} beside it, or another device';
  return when(measured.type === 'worker' && workers.type !== 'queue', ['latency', 'device', 'type'], message);
};

/** The engine must not depend on the installation of the machine that runs `nas run`. */
const engine: TrainingCheck = ({ engine: { provider }, workers }) => {
  if (workers.type !== 'queue') return [];
  const card = `got "${provider ?? ''}"; graphics cards are not part of a queue's machine groups: expected workers.tag, of those that have one, and workers.mixed: true, as two cards give other last bits; or cpu`;
  const isCard = provider !== undefined && provider !== 'cpu';
  return [...when(isCard && (workers.tag === undefined || !workers.mixed), ['engine', 'provider'], card)];
};

/** Checkpoints of a module stay on the machine that wrote them. */
const evaluationEpochs: TrainingCheck = ({ evaluate, workers }) => {
  const { epochs = 1 } = evaluate ?? {};
  const message = `got ${epochs}; with a queue a module keeps no checkpoints: expected 1, or workers: pool`;
  return when(epochs > 1 && workers.type === 'queue', ['evaluate', 'epochs'], message);
};

/** A budget plans trainings from nothing on this machine, each to its end. */
const budget: TrainingCheck = ({ budget: given, supernet, evaluate, search: { fidelity }, workers }) => {
  if (given === undefined) return [];
  const path = ['budget'];
  const beside = (what: string, change: string): string => `its time cannot be planned beside ${what}: ${change}`;
  return [
    ...when(supernet !== undefined, path, beside('a supernet', 'leave one of them out')),
    ...when(evaluate !== undefined, path, beside('evaluate', 'set search.stop.hours instead')),
    ...when(fidelity.type !== 'none', path, beside(`search.fidelity ${fidelity.type}`, 'leave search.fidelity out')),
    ...when(workers.type === 'queue', path, beside('a queue', 'set search.stop.hours instead')),
  ];
};

export const workerChecks: readonly TrainingCheck[] = [device, engine, evaluationEpochs, budget];
