import * as tf from '@tensorflow/tfjs-core';
import { percent } from '../../base/number-text.js';
import type { PixelScale } from '../../base/preprocess.js';
import { exportFunction, runOnnx, type ForeignNetwork } from '../../compiler/index.js';
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

/** The network's first norm of these images: mean and variance of its channels, computed and as the file has them. */
function firstNorm(network: ForeignNetwork, count: number) {
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
async function fitsOfNorm(network: ForeignNetwork, dataset: Dataset): Promise<Fit[]> {
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

/** The next normalisation must fit so many times worse. */
const clearly = { norms: 1.5, head: 1.1 };

/**
 * The usual normalisation that fits a network best: by the statistics of its first norm, or, where norms are folded, by a quick
 * head. Null for a network without a last linear layer and norms.
 */
export async function foundScale(network: ForeignNetwork, dataset: Dataset): Promise<TeacherNormalisation | null> {
  const from = network.norms.length > 0 ? 'norms' : 'head';
  if (from === 'head' && network.head === null) return null;
  const fits = await (from === 'norms' ? fitsOfNorm : fitsOfHead)(network, dataset);
  const [best, next] = fits.toSorted((a, b) => a.misfit - b.misfit);
  const text = ({ name, misfit }: Fit): string =>
    `${name} (${from === 'norms' ? `divergence ${misfit.toPrecision(2)}` : percent(1 - misfit)})`;
  const sure = next.misfit > clearly[from] * best.misfit;
  const why = from === 'norms' ? 'its first batch norm fits' : 'a quick head answers best on';
  const close = sure ? '' : '; that is close: normalisation, or mean and std, decides';
  return { ...best.scale, from, found: `${why} ${text(best)}, next ${text(next)}${close}` };
}
