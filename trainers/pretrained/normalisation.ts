import * as tf from '@tensorflow/tfjs-core';
import { percent } from '../../base/number-text.js';
import { mean as meanOf } from '../../base/statistics.js';
import type { PixelScale } from '../../base/preprocess.js';
import {
  exportFunction,
  fitClassifier,
  imageSizeIn,
  onnxSignature,
  openClassifier,
  openOnnx,
  parseOnnx,
  runOnnx,
  type ForeignNetwork,
} from '../../compiler/index.js';
import { weightsFrom } from '../../spaces/models/index.js';
import type { Dataset } from '../data/index.js';
import type { TeacherNormalisation } from '../schema/teacher.js';
import { normalised, quickFeatures, quickScore, someImages } from './quick-head.js';

/** Per channel of pixel / 255, as in torchvision. */
export const imagenet: PixelScale = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** A normalisation that a network may have been trained with. */
interface Candidate {
  /** For messages. */
  readonly name: string;
  readonly scale: PixelScale;
}

/** The last one is the data's own. */
function candidatesFor(data: PixelScale): Candidate[] {
  const all = (mean: number, std: number): PixelScale => ({
    mean: data.mean.map(() => mean),
    std: data.mean.map(() => std),
  });
  return [
    { name: 'images in [0, 1]', scale: all(0, 1) },
    { name: 'images in [-1, 1]', scale: all(0.5, 0.5) },
    ...(data.mean.length === 3 ? [{ name: "ImageNet's mean and deviation", scale: imagenet }] : []),
    { name: 'images in [0, 255]', scale: all(0, 1 / 255) },
    { name: "the data's own mean and deviation", scale: data },
  ];
}

/** A network with batch norms. */
interface Normed extends Pick<ForeignNetwork, 'input' | 'weights' | 'norms'> {
  apply(...from: Parameters<ForeignNetwork['apply']>): unknown;
}

/** The network's first norm of these images: mean and variance of its channels, computed and as the file has them. */
function firstNorm(network: Normed, count: number) {
  const weights = new Map(network.weights.map((weight) => [weight.name, weight]));
  const [norm] = network.norms;
  const program = exportFunction(
    (images) => {
      const found: tf.Tensor[] = [];
      network.apply(weightsFrom(weights), images, {
        training: true,
        statistics: (_, { mean, variance }) => {
          if (found.length === 0) found.push(tf.keep(tf.concat([mean, variance])));
        },
      });
      return found[0];
    },
    network.input,
    { batch: count },
  );
  const [mean, variance] = [norm.mean, norm.variance].map((name) => weights.get(name)?.data ?? new Float32Array());
  return { program, mean, variance };
}

/**
 * Mean over the channels of the Kullback-Leibler divergence of the normal distributions with these moments; channels that the
 * file has as constant count little.
 */
function divergence(
  found: Float32Array,
  { mean, variance }: { readonly mean: Float32Array; readonly variance: Float32Array },
): number {
  const channels = mean.length;
  const least = (1e-3 * variance.reduce((sum, one) => sum + one, 0)) / channels;
  let sum = 0;
  for (let c = 0; c < channels; c++) {
    const [own, moving] = [found[channels + c] + least, variance[c] + least];
    sum += ((own + (found[c] - mean[c]) ** 2) / moving - 1 - Math.log(own / moving)) / 2;
  }
  return sum / channels;
}

/** A normalisation and how badly it fits: a divergence, or a share of wrong answers. */
interface Fit extends Candidate {
  readonly misfit: number;
}

/** Images of the data, normalised in each way, give the first norm a mean and a variance, which the file has, too. */
async function fitsOfNorm(network: Normed, dataset: Dataset): Promise<Fit[]> {
  const { images, count } = await someImages(dataset, network.input, 96);
  const norm = firstNorm(network, count);
  const fits: Fit[] = [];
  for (const candidate of candidatesFor(dataset.info)) {
    const shape = [count, ...network.input];
    const found = await runOnnx(norm.program, 'the first norm', normalised(images, candidate.scale), shape);
    fits.push({ ...candidate, misfit: divergence(found, norm) });
  }
  return fits;
}

/** A quick head on features of images, normalised in each way, answers other images more or less well. */
async function fitsOfHead(network: ForeignNetwork, dataset: Dataset): Promise<Fit[]> {
  const { images, targets, count } = await someImages(dataset, network.input, 160);
  const fits: Fit[] = [];
  for (const candidate of candidatesFor(dataset.info)) {
    const features = await quickFeatures(network, normalised(images, candidate.scale), count);
    const misfit = 1 - quickScore(features, targets, count, dataset.info.task.type === 'classification');
    fits.push({ ...candidate, misfit });
  }
  return fits;
}

/**
 * A segmenter answers for images of the data, normalised in each way, and their masks say how well.
 * @param stride pixels for each cell of its map
 */
async function fitsOfAnswers(
  model: Uint8Array,
  dataset: Dataset,
  { where, stride, classes }: SegmenterToFit,
): Promise<Fit[]> {
  const { info } = dataset;
  const signature = onnxSignature(parseOnnx(model, where), where);
  const [height, width] = imageSizeIn(signature.input, signature.facts) ?? [info.height, info.width];
  const most = Math.min(64, Math.max(8, Math.floor(2 ** 22 / (height * width))));
  const { images, targets, count } = await someImages(dataset, [height, width], most, stride);
  const plain = { mean: info.mean.map(() => 0), std: info.std.map(() => 1) };
  const data = { ...info, ...plain, height, width };
  const open = await openOnnx(model, where);
  try {
    const fits: Fit[] = [];
    for (const candidate of candidatesFor(info)) {
      const classifier = fitClassifier(signature, data, where, { ...candidate.scale, classes });
      const outputs = await openClassifier(open, classifier, data, where).outputs(images, count);
      fits.push({ ...candidate, misfit: 1 - meanIou(outputs, targets, info.classes.length) });
    }
    return fits;
  } finally {
    await open.close();
  }
}

/** The mean IoU over the classes that occur. @param outputs logits of cells @param targets shares of the classes in each */
function meanIou(outputs: Float32Array, targets: Float32Array, classes: number): number {
  const [right, either] = [new Float64Array(classes), new Float64Array(classes)];
  for (let cell = 0; cell < outputs.length; cell += classes) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (outputs[cell + k] > outputs[cell + best]) best = k;
    for (let k = 0; k < classes; k++) {
      either[k] += targets[cell + k];
      // Where the class of the answer is another one, the union has its pixels, too.
      if (k !== best) either[best] += targets[cell + k];
    }
    right[best] += targets[cell + best];
  }
  return meanOf(Array.from(right, (own, k) => own / either[k]).filter((iou) => !Number.isNaN(iou)));
}

interface SegmenterToFit {
  /** Names the file in errors. */
  readonly where: string;
  readonly stride: number;
  /** The data's class names in the order of its outputs, where the file does not say it. */
  readonly classes?: readonly string[] | undefined;
}

interface Way {
  /** The next normalisation must fit so many times worse. */
  readonly clearly: number;
  readonly why: string;
  /** What to do where two normalisations fit alike. */
  readonly advice: string;
  readonly text: (misfit: number) => string;
}

const keys = 'normalisation, or mean and std, decides';
const ways: { readonly [F in 'norms' | 'head' | 'answers']: Way } = {
  norms: {
    clearly: 1.5,
    why: 'its first batch norm fits',
    advice: keys,
    text: (misfit) => `divergence ${misfit.toPrecision(2)}`,
  },
  head: { clearly: 1.1, why: 'a quick head answers best on', advice: keys, text: (misfit) => percent(1 - misfit) },
  answers: {
    clearly: 1.1,
    why: 'it answers well on',
    advice: 'mean and std in the metadata of the file decide',
    text: (misfit) => `mIoU ${percent(1 - misfit)}`,
  },
};

/** The normalisation with the least misfit. @param usual is taken unless another one fits clearly better */
function bestOf(fits: readonly Fit[], from: keyof typeof ways, usual?: Fit): TeacherNormalisation {
  const { clearly, why, advice, text } = ways[from];
  const sorted = fits.toSorted((a, b) => a.misfit - b.misfit);
  const best = usual !== undefined && usual.misfit <= clearly * sorted[0].misfit ? usual : sorted[0];
  const [next] = sorted.filter((one) => one !== best);
  const said = ({ name, misfit }: Fit): string => `${name} (${text(misfit)})`;
  const close = next.misfit > clearly * best.misfit ? '' : `; that is close: ${advice}`;
  return { ...best.scale, from, found: `${why} ${said(best)}, next ${said(next)}${close}` };
}

/**
 * The usual normalisation that fits a network best: by the statistics of its first norm, or, where norms are folded, by a quick
 * head. Null for a network without a last linear layer and norms.
 */
export async function foundScale(network: ForeignNetwork, dataset: Dataset): Promise<TeacherNormalisation | null> {
  if (network.norms.length > 0) return scaleOfNorm(network, dataset);
  return network.head === null ? null : bestOf(await fitsOfHead(network, dataset), 'head');
}

/** The usual normalisation with which a network's first norm has the statistics that its file has; it has a norm. */
export const scaleOfNorm = async (network: Normed, dataset: Dataset): Promise<TeacherNormalisation> =>
  bestOf(await fitsOfNorm(network, dataset), 'norms');

/** Finds the normalisation of a segmenter: the data's own mean and deviation, unless its mIoU is clearly higher with another one. */
export async function scaleOfSegmenter(
  model: Uint8Array,
  dataset: Dataset,
  options: SegmenterToFit,
): Promise<TeacherNormalisation> {
  const fits = await fitsOfAnswers(model, dataset, options);
  return bestOf(fits, 'answers', fits.at(-1));
}
