import { isDeepStrictEqual } from 'node:util';
import type { Rendering } from '../../base/preprocess.js';
import { renderingOf, type Model } from '../models/model.js';

/** The pixels of an image in one rendering. */
interface PixelPart {
  readonly rendering: Rendering;
  /** Index of its first byte in an input. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The layout of an image that is passed as pixels: one part for each rendering that the models take. The scheduler chooses
 * the model later; the model reads the part with the rendering that it was trained on.
 */
export interface PixelLayout {
  /** Empty: no model takes pixels. */
  readonly parts: readonly PixelPart[];
  readonly bytes: number;
}

const sameRendering = (a: Rendering, b: Rendering): boolean => isDeepStrictEqual(a, b);

/** The different renderings that models take, in the order of the models; models without a normalisation take none. */
export function renderingsOf(models: readonly Model[]): readonly Rendering[] {
  const all = models.filter(({ normalisation }) => normalisation !== null).map(renderingOf);
  return all.filter((one, i) => all.findIndex((other) => sameRendering(one, other)) === i);
}

const bytesOf = ({ size: [height, width], channels }: Rendering): number => height * width * channels;

export function pixelLayout(models: readonly Model[]): PixelLayout {
  let bytes = 0;
  const parts = renderingsOf(models).map((rendering): PixelPart => {
    const part = { rendering, offset: bytes, bytes: bytesOf(rendering) };
    bytes += part.bytes;
    return part;
  });
  return { parts, bytes };
}

/** @throws Error when no part has this rendering */
export function partFor({ parts }: PixelLayout, rendering: Rendering): PixelPart {
  const part = parts.find((one) => sameRendering(one.rendering, rendering));
  if (part === undefined) throw new Error(`no model takes pixels of ${rendering.size.join(' x ')}`);
  return part;
}

/**
 * Renders an image for the models that take these renderings; other parts of the input stay 0.
 * @param render gives the bytes of the image in one rendering
 */
export async function renderInput(
  layout: PixelLayout,
  renderings: readonly Rendering[],
  render: (rendering: Rendering) => Promise<Uint8Array> | Uint8Array,
): Promise<Uint8Array> {
  if (layout.parts.length === 1 && renderings.length === 1) return render(renderings[0]);
  const data = new Uint8Array(layout.bytes);
  await Promise.all(
    renderings.map(async (rendering) => data.set(await render(rendering), partFor(layout, rendering).offset)),
  );
  return data;
}
