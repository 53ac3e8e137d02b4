import { invalidInput } from '../base/errors.js';
import type { Classifier, ImageData } from './classifier.js';

/** Turns normalised NHWC images of a data set into what a classifier takes. */
export type ImageTransform = (images: Float32Array, count: number) => Float32Array;

/**
 * The layout and the normalisation of a classifier, where they differ from the data's; otherwise nothing is copied.
 * @throws NasError `invalid-input` when the model's normalisation is for another number of channels.
 */
export function transformFor({ layout, metadata }: Classifier, data: ImageData): ImageTransform {
  const renormalise = renormalisation(metadata.mean ?? data.mean, metadata.std ?? data.std, data);
  return (images, count) => {
    const scaled = renormalise(images);
    return layout === 'NHWC' ? scaled : toChannelsFirst(scaled, count, data);
  };
}

function renormalisation(
  mean: readonly number[],
  std: readonly number[],
  data: ImageData,
): (images: Float32Array) => Float32Array {
  const { channels } = data;
  if (mean.length !== channels || std.length !== channels)
    throw invalidInput(
      `the model's metadata normalises ${mean.length} (mean) and ${std.length} (std) channels, the data has ${channels}`,
    );
  const scale = data.std.map((value, c) => value / std[c]);
  const shift = data.mean.map((value, c) => (value - mean[c]) / std[c]);
  if (scale.every((value) => value === 1) && shift.every((value) => value === 0)) return (images) => images;
  return (images) => images.map((value, i) => value * scale[i % channels] + shift[i % channels]);
}

function toChannelsFirst(images: Float32Array, count: number, { height, width, channels }: ImageData): Float32Array {
  const pixels = height * width;
  const result = new Float32Array(images.length);
  for (let n = 0; n < count; n++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        result[(n * channels + c) * pixels + p] = images[(n * pixels + p) * channels + c];
  return result;
}
