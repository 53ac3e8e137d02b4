import type { TrainingExperiment } from '../schema.js';
import { when, type Contradiction, type TrainingCheck } from './contradiction.js';

const int8 = ['compress', 'int8'];

const got = ({ compress }: TrainingExperiment): string => `got "${compress.int8}"`;

/** What quantizes needs weights that were trained here, and a device that runs the network in either precision. */
const use: TrainingCheck = (experiment) => {
  const { compress, evaluate, latency } = experiment;
  if (compress.int8 === 'off') return [];
  const own = `${got(experiment)}; evaluate says what candidates come to, and leaves no weights to quantize: expected off`;
  const table = `${got(experiment)}; the latencies of a table are of one precision: expected off, or a device that measures`;
  return [...when(evaluate !== undefined, int8, own), ...when(latency.device.type === 'table', int8, table)];
};

/** What a device says of the models' precision has to be true of all that it is given. */
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

/** A latency model knows one precision. */
const predictor: TrainingCheck = ({ compress, latency: { predictor } }): readonly Contradiction[] => {
  const path = ['latency', 'predictor'];
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

/** Rounding is trained for files that are rounded. */
const rounding: TrainingCheck = ({ compress, train, final }) => {
  const message = 'with compress.int8 off nothing is quantized: remove it, or set compress.int8 to auto or require';
  const isOff = compress.int8 === 'off';
  return [
    ...when(isOff && train.quantize_aware !== undefined, ['train', 'quantize_aware'], message),
    ...when(isOff && final?.quantize_aware !== undefined, ['final', 'quantize_aware'], message),
  ];
};

/** Candidates with eight-bit integers, and what measures and predicts them. */
export const compressChecks: readonly TrainingCheck[] = [use, devicePrecision, predictor, methods, rounding];
