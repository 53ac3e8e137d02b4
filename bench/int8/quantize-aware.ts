import { join } from 'node:path';
import type { CalibrationMethod, WeightBits } from '../../deploy/index.js';
import { evaluateOnSplit, quantizeOnDataset } from '../../runner/models/on-dataset.js';
import { toOnnx } from '../../spaces/models/index.js';
import {
  engineSchema,
  fit,
  quantizeAwareTraining,
  readWeights,
  type FitJob,
  type QuantizeAware,
} from '../../trainers/index.js';
import { cpuSeconds, folderOf } from '../supernet/alone.js';
import { hooks } from '../supernet/setting.js';
import { train, type TrainedNetwork } from './networks.js';

/** Epochs of fine-tuning, the default of `quantize_aware:`. */
const epochs = 2;
const threads = 1;
const seed = 1;
/** The defaults of `compress.calibration:`. */
const calibration = { images: 512, percentile: 99.99 };
const methods: readonly CalibrationMethod[] = ['minmax', 'percentile'];

/** Test accuracies of one network in [0, 1]; int8 in exact arithmetic, with the method chosen by validation images. */
export interface QuantizeAwareRow {
  readonly name: string;
  readonly images: string;
  readonly weightBits: WeightBits;
  readonly fp32: number;
  /** Quantized directly after training. */
  readonly asTrained: number;
  /** Control: the same additional epochs and learning rate without simulated rounding, then quantized. */
  readonly longer: number;
  /** Fine-tuned with simulated rounding, then quantized. */
  readonly tuned: number;
  /** Whether the fine-tuned weights have the higher validation accuracy. */
  readonly kept: boolean;
  /** CPU seconds of fine-tuning; near zero if cached. */
  readonly seconds: number;
}

/** Measures the gain of fine-tuning a trained network with simulated int8 rounding, for 8-bit and 7-bit weights. */
export async function fineTune(
  { subject, network, dataset, trained }: TrainedNetwork,
  folder: string,
): Promise<QuantizeAwareRow[]> {
  const onnx = (weights: string): Uint8Array => toOnnx({ network, weights: readWeights(network, weights) });
  const test = async (model: Uint8Array): Promise<number> => (await evaluateOnSplit(model, dataset, 'test')).accuracy;
  const quantized = async (weights: string, weightBits: WeightBits) => {
    const options = { ...calibration, methods, weightBits, threads, seed };
    const { model, method, accuracy } = await quantizeOnDataset(onnx(weights), dataset, options);
    return { method, validation: accuracy.int8, test: await test(model) };
  };
  const tune = async (rounding: QuantizeAware | undefined): Promise<readonly [weights: string, seconds: number]> => {
    const directory = folderOf(join(folder, 'tuned'), 'quantize-aware', [
      trained.weights,
      subject.name,
      epochs,
      rounding,
    ]);
    const job: FitJob = {
      network,
      seed,
      train: quantizeAwareTraining(train, epochs),
      dataset,
      teacher: null,
      engine: engineSchema.parse({}),
      threads,
      directory,
      initial: { file: trained.weights },
      quantizeAware: rounding,
    };
    const [result, seconds] = await cpuSeconds(() => fit(job, hooks));
    if (result.state !== 'complete') throw new Error('interrupted');
    return [result.weights, seconds];
  };
  const [longer] = await tune(undefined);
  const fp32 = await test(onnx(trained.weights));
  const rows: QuantizeAwareRow[] = [];
  for (const weightBits of [8, 7] as const) {
    const before = await quantized(trained.weights, weightBits);
    const [weights, seconds] = await tune({ ...calibration, seed, weightBits, method: before.method });
    const after = await quantized(weights, weightBits);
    rows.push({
      name: subject.name,
      images: subject.images,
      weightBits,
      fp32,
      asTrained: before.test,
      longer: (await quantized(longer, weightBits)).test,
      tuned: after.test,
      kept: after.validation > before.validation,
      seconds,
    });
  }
  return rows;
}
