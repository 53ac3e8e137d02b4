import { quantizeClassifier } from '../../deploy/index.js';
import { toOnnx } from '../../spaces/models/index.js';
import { describeDataset, readWeights } from '../../trainers/index.js';
import { agreement, predictionsOf, logitsOf, labelsOf } from './answers.js';
import { imagesOf, joined, stream } from './images.js';
import type { Peer } from './peer.js';
import type { TrainedNetwork } from './networks.js';

/** Percentile of the second calibration method, the default of `compress:`. */
const percentile = 99.99;
const calibrationImages = 512;

/** Test accuracy, and the share of predictions equal to fp32's; both in [0, 1]. */
export interface Quality {
  readonly accuracy: number;
  readonly agreement: number;
}

/** Test accuracy of one trained network in exact arithmetic; validation images choose the method. */
export interface AccuracyRow {
  readonly name: string;
  readonly images: string;
  readonly fp32: number;
  readonly minmax: Quality;
  readonly percentile: Quality;
  /** The chosen method with 8-bit weights. */
  readonly chosen: Quality & { readonly method: string };
  /** The same with 7-bit weights, for processors whose integer sums saturate; the method is chosen again. */
  readonly chosen7: Quality & { readonly method: string };
  /** 8-bit weights in this machine's default arithmetic. */
  readonly plain: Quality;
  /** ONNX Runtime's quantizer, minmax over the same images; null if it is unavailable. */
  readonly peer: Quality | null;
}

/** Quantizes a trained network with every method and evaluates each result on the test images. */
export async function evaluateQuantized(
  { subject, network, dataset, trained }: TrainedNetwork,
  peer: Peer | null,
): Promise<AccuracyRow> {
  const info = describeDataset(dataset);
  const model = toOnnx({ network, weights: readWeights(network, trained.weights) });
  const calibration = await imagesOf(dataset, 'train', { count: calibrationImages, seed: 1 });
  const validation = await imagesOf(dataset, 'validation');
  const test = await imagesOf(dataset, 'test');
  const classes = info.classes.length;
  const labels = labelsOf(test, classes);
  const predict = async (file: Uint8Array, exactIntegers = true): Promise<number[]> =>
    predictionsOf(await logitsOf(file, test, network.input, { exactIntegers }), classes);
  const reference = await predict(model);
  const quality = async (file: Uint8Array, exactIntegers = true): Promise<Quality> => {
    const predictions = await predict(file, exactIntegers);
    return { accuracy: agreement(predictions, labels), agreement: agreement(predictions, reference) };
  };
  const quantize = (methods: readonly ('minmax' | 'percentile')[], weightBits: 7 | 8) =>
    quantizeClassifier(model, {
      data: info,
      calibration: () => stream(calibration),
      validation: () => stream(validation),
      methods,
      percentile,
      weightBits,
    });
  const eight = await quantize(['minmax', 'percentile'], 8);
  const seven = await quantize(['minmax', 'percentile'], 7);
  const other = await quantize([eight.method === 'minmax' ? 'percentile' : 'minmax'], 8);
  const [minmax, quantile] = eight.method === 'minmax' ? [eight, other] : [other, eight];
  const theirs = peer === null ? null : await peer.quantize(model, joined(calibration, network.input), 8);
  return {
    name: subject.name,
    images: subject.images,
    fp32: agreement(reference, labels),
    minmax: await quality(minmax.model),
    percentile: await quality(quantile.model),
    chosen: { ...(await quality(eight.model)), method: eight.method },
    chosen7: { ...(await quality(seven.model)), method: seven.method },
    plain: await quality(eight.model, false),
    peer: theirs === null ? null : await quality(theirs),
  };
}
