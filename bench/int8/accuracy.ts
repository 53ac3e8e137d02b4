import { quantizeClassifier, type LabelledImages } from '../../deploy/index.js';
import { toOnnx } from '../../spaces/models/index.js';
import { describeDataset, readWeights } from '../../trainers/index.js';
import { agreement, answersOf, logitsOf, truths } from './answers.js';
import { imagesOf, joined, stream } from './images.js';
import type { Peer } from './peer.js';
import type { TrainedNetwork } from './networks.js';

/** Percentile of the second calibration method, as `compress:` has it. */
const percentile = 99.99;
const calibrationImages = 512;

/** Test accuracy, and how often the answer is fp32's. Shares in [0, 1]. */
export interface Quality {
  readonly accuracy: number;
  readonly agreement: number;
}

/** One trained network: test accuracy in exact arithmetic, the method chosen on validation images. */
export interface AccuracyRow {
  readonly name: string;
  readonly images: string;
  readonly fp32: number;
  readonly minmax: Quality;
  readonly percentile: Quality;
  /** The method that validation images chose, with weights of 8 bits. */
  readonly chosen: Quality & { readonly method: string };
  /** The same with weights of 7 bits, for processors that saturate; the method is chosen anew. */
  readonly chosen7: Quality & { readonly method: string };
  /** Weights of 8 bits, computed as this machine computes without being told otherwise. */
  readonly plain: Quality;
  /** ONNX Runtime's own quantizer, minmax over the same images; null without it. */
  readonly peer: Quality | null;
}

export interface QuantizedFiles {
  readonly fp32: Uint8Array;
  /** Chosen on validation images, with weights of 8 and 7 bits. */
  readonly int8: Uint8Array;
  readonly int7: Uint8Array;
  readonly test: readonly LabelledImages[];
}

/** Quantizes a trained network in each way, and judges each on the test images. */
export async function judge(
  { subject, network, dataset, trained }: TrainedNetwork,
  peer: Peer | null,
): Promise<{ readonly row: AccuracyRow; readonly files: QuantizedFiles }> {
  const info = describeDataset(dataset);
  const model = toOnnx({ network, weights: readWeights(network, trained.weights) });
  const calibration = await imagesOf(dataset, 'train', { draw: { count: calibrationImages, seed: 1 } });
  const validation = await imagesOf(dataset, 'validation');
  const test = await imagesOf(dataset, 'test');
  const classes = info.classes.length;
  const truth = truths(test, classes);
  const answers = async (file: Uint8Array, exactIntegers = true): Promise<number[]> =>
    answersOf(await logitsOf(file, test, network.input, { exactIntegers }), classes);
  const reference = await answers(model);
  const quality = async (file: Uint8Array, exactIntegers = true): Promise<Quality> => {
    const given = await answers(file, exactIntegers);
    return { accuracy: agreement(given, truth), agreement: agreement(given, reference) };
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
  const row: AccuracyRow = {
    name: subject.name,
    images: subject.images,
    fp32: agreement(reference, truth),
    minmax: await quality(minmax.model),
    percentile: await quality(quantile.model),
    chosen: { ...(await quality(eight.model)), method: eight.method },
    chosen7: { ...(await quality(seven.model)), method: seven.method },
    plain: await quality(eight.model, false),
    peer: theirs === null ? null : await quality(theirs),
  };
  return { row, files: { fp32: model, int8: eight.model, int7: seven.model, test } };
}
