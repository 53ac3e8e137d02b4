import * as tf from '@tensorflow/tfjs-core';
import type { PixelScale } from '../../base/preprocess.js';
import { exportFunction, runOnnx, type ForeignNetwork } from '../../compiler/index.js';
import { weightsFrom } from '../../spaces/models/index.js';
import { createLoader, type Dataset } from '../data/index.js';
import type { TeacherNormalisation } from '../schema/teacher.js';

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

/** Images that are looked at. */
const mostImages = 96;

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

/** A normalisation and how well it fits. */
interface Fit extends Candidate {
  readonly divergence: number;
}

/** The next normalisation must fit so many times worse. */
const clearly = 1.5;

/** The normalisation that fits a network's norms best, if it has any; see `normalisationsOf`. */
export async function foundScale(network: ForeignNetwork, dataset: Dataset): Promise<TeacherNormalisation | null> {
  if (network.norms.length === 0) return null;
  const [best, next] = await normalisationsOf(network, dataset);
  const text = ({ name, divergence }: Fit): string => `${name} (divergence ${divergence.toPrecision(2)})`;
  const sure = next.divergence > clearly * best.divergence;
  const found = `its first batch norm fits ${text(best)}, next ${text(next)}${sure ? '' : '; that is close: normalisation, or mean and std, decides'}`;
  return { ...best.scale, from: 'norms', found };
}

/**
 * How well usual normalisations fit a network with batch norm: images of the data, normalised in each way, give its first norm a
 * mean and a variance, which are compared with the moving ones of the file. The best one first.
 */
async function normalisationsOf(network: ForeignNetwork, dataset: Dataset): Promise<readonly Fit[]> {
  const { info } = dataset;
  const count = Math.min(mostImages, info.counts.train);
  const [height, width] = network.input;
  const { mean, std } = { mean: info.mean.map(() => 0), std: info.std.map(() => 1) };
  const loader = createLoader({
    dataset,
    split: 'train',
    batch: count,
    size: [height, width],
    scale: { mean, std },
    seed: 0,
    viewSeed: 0,
    augment: [],
    shuffle: true,
    dropLast: true,
  });
  const norm = firstNorm(network, count);
  const fits: Fit[] = [];
  try {
    for await (const { images } of loader.epoch(0)) {
      for (const candidate of candidatesFor(info)) {
        const { scale } = candidate;
        const channels = scale.mean.length;
        const scaled = images.map((pixel, i) => (pixel - scale.mean[i % channels]) / scale.std[i % channels]);
        const found = await runOnnx(norm.program, 'the first norm', scaled, [count, ...network.input]);
        fits.push({ ...candidate, divergence: divergence(found, norm) });
      }
      break;
    }
  } finally {
    await loader.close();
  }
  return fits.toSorted((a, b) => a.divergence - b.divergence);
}
