import { z } from 'zod';

/** How an image is brought to other proportions. */
const fits = ['cover', 'contain', 'stretch'] as const;
/** Filters for shrinking; enlarging interpolates with the corresponding one. */
const resamplings = ['lanczos3', 'mitchell', 'cubic', 'linear'] as const;

/** The keys that say how files are decoded and brought to a size, for an experiment file and a model's metadata. */
export const decodingKeys = {
  fit: z
    .enum(fits)
    .describe(
      'cover: the middle of the image, which fills the size; contain: the whole image, with bars of the background; stretch: the whole image, in the proportions of the size',
    ),
  background: z
    .string()
    .regex(/^#[0-9a-f]{6}$/)
    .describe('colour behind transparent pixels and of the bars, as #rrggbb in lower case'),
  resampling: z.enum(resamplings).describe('filter for shrinking; enlarging interpolates with the corresponding one'),
} as const;

const decodingSchema = z.strictObject(decodingKeys);
export type Decoding = Readonly<z.output<typeof decodingSchema>>;

/** The default settings. Files and experiments that are older than these settings mean the same. */
export const defaultDecoding: Decoding = {
  fit: 'cover',
  background: '#ffffff',
  resampling: 'lanczos3',
};

/** Settings that replace some of the defaults, as a model's metadata stores them. */
export const partialDecodingSchema = decodingSchema.partial().readonly();

export const completeDecoding = (given: z.output<typeof partialDecodingSchema> = {}): Decoding => ({
  fit: given.fit ?? defaultDecoding.fit,
  background: given.background ?? defaultDecoding.background,
  resampling: given.resampling ?? defaultDecoding.resampling,
});

/** How an image becomes bytes [height, width, channels]. Photographs are turned as the camera recorded in EXIF. */
export interface Rendering extends Decoding {
  readonly size: readonly [height: number, width: number];
  /** 1: grey; 3: sRGB. */
  readonly channels: number;
}

/** Per channel: (pixel / 255 - mean) / std. */
export interface PixelScale {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The scale of images that are normalised by one scale and then by another. */
export const scaledTwice = (first: PixelScale, second: PixelScale): PixelScale => ({
  mean: first.mean.map((mean, c) => mean + second.mean[c] * first.std[c]),
  std: first.std.map((std, c) => std * second.std[c]),
});

/** For each channel, the factor and the shift that turn images of one scale into images of another; null: the scales are equal. */
export function rescaling(
  from: PixelScale,
  to: PixelScale,
): { readonly factors: readonly number[]; readonly shifts: readonly number[] } | null {
  const factors = from.std.map((std, c) => std / to.std[c]);
  const shifts = from.mean.map((mean, c) => (mean - to.mean[c]) / to.std[c]);
  return factors.every((factor) => factor === 1) && shifts.every((shift) => shift === 0) ? null : { factors, shifts };
}
