import type { InferenceSession } from 'onnxruntime-node';
import { invalidInput } from '../../base/errors.js';
import type { ImageSize } from '../resize.js';

export type Layout = 'NHWC' | 'NCHW';

/** What a model takes and gives. */
export interface OnnxSignature {
  readonly input: string;
  readonly output: string;
  readonly layout: Layout;
  /** The only batch that the model takes; null: any. */
  readonly batch: number | null;
  readonly classes: number;
}

type Sides = readonly (number | string)[];
const fixed = (side: number | string | undefined): side is number => typeof side === 'number' && side > 0;
const fits = (side: number | string | undefined, expected: number): boolean => !fixed(side) || side === expected;

const expectedSides: { readonly [L in Layout]: (size: ImageSize) => readonly number[] } = {
  NHWC: ([height, width, channels]) => [height, width, channels],
  NCHW: ([height, width, channels]) => [channels, height, width],
};
const layouts = Object.keys(expectedSides) as Layout[];

const show = (sides: Sides): string => `[${sides.map((side) => (fixed(side) ? side : '?')).join(', ')}]`;

function layoutOf(where: string, sides: Sides, size: ImageSize, asked: Layout | undefined): Layout {
  const possible = layouts.filter((layout) => expectedSides[layout](size).every((side, i) => fits(sides[i + 1], side)));
  const wanted = show(['?', ...size]);
  if (asked !== undefined) {
    if (possible.includes(asked)) return asked;
    throw invalidInput(`${where} takes ${show(sides)}, which does not fit images ${wanted} in the layout ${asked}`);
  }
  if (possible.length === 1) return possible[0];
  throw possible.length === 0
    ? invalidInput(`${where} takes ${show(sides)}, which fits the images ${wanted} neither as NHWC nor as NCHW`, {
        hint: 'The size and channels of the images must be those that the model was made for.',
      })
    : invalidInput(`${where} takes ${show(sides)}: it cannot be told whether that is NHWC or NCHW`, {
        hint: 'Set teacher.layout.',
      });
}

/**
 * Checks that a model is an image classifier for images of this size: one float32 input of four axes, an output
 * [batch, classes].
 *
 * @throws NasError `invalid-input` saying what does not fit
 */
export function signatureOf(
  where: string,
  { inputMetadata, outputMetadata }: Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>,
  size: ImageSize,
  layout: Layout | undefined,
): OnnxSignature {
  if (inputMetadata.length !== 1)
    throw invalidInput(
      `${where} has ${inputMetadata.length} inputs (${inputMetadata.map(({ name }) => name).join(', ')}), an image classifier has 1`,
    );
  const [input] = inputMetadata;
  if (!input.isTensor || input.type !== 'float32')
    throw invalidInput(
      `${where}: the input ${input.name} is ${input.isTensor ? input.type : 'no tensor'}, not float32`,
    );
  if (input.shape.length !== 4)
    throw invalidInput(`${where}: the input ${input.name} has the shape ${show(input.shape)}, images need 4 axes`);
  // A model has an output, or ONNX Runtime would not have loaded it.
  const [output] = outputMetadata;
  if (!output.isTensor || output.type !== 'float32' || output.shape.length !== 2 || !fixed(output.shape[1]))
    throw invalidInput(
      `${where}: the output ${output.name} is ${output.isTensor ? `${output.type} ${show(output.shape)}` : 'no tensor'}, not float32 [batch, classes]`,
    );
  const [batch] = input.shape;
  return {
    input: input.name,
    output: output.name,
    layout: layoutOf(where, input.shape, size, layout),
    batch: fixed(batch) ? batch : null,
    classes: output.shape[1],
  };
}

/**
 * Turns images [size, height, width, channels] with the data's normalisation into what the model expects: its own mean
 * and standard deviation of pixel / 255 per channel, its own layout.
 */
export function createInputTransform(
  [height, width, channels]: ImageSize,
  layout: Layout,
  data: { readonly mean: readonly number[]; readonly std: readonly number[] },
  model: { readonly mean: readonly number[]; readonly std: readonly number[] } | null,
): (images: Float32Array) => Float32Array {
  // ((x data.std + data.mean) - mean) / std = x scale + offset
  const scale = data.std.map((std, c) => (model === null ? 1 : std / (model.std[c] ?? 1)));
  const offset = data.mean.map((mean, c) => (model === null ? 0 : (mean - (model.mean[c] ?? 0)) / (model.std[c] ?? 1)));
  const pixels = height * width;
  if (model === null && (layout === 'NHWC' || channels === 1)) return (images) => images;
  return (images) => {
    const result = new Float32Array(images.length);
    for (let i = 0; i < images.length; i++) {
      const c = i % channels;
      const pixel = (i - c) / channels;
      const image = Math.floor(pixel / pixels);
      const target = layout === 'NHWC' ? i : (image * channels + c) * pixels + (pixel % pixels);
      // Inside by construction.
      result[target] = images[i] * scale[c] + offset[c];
    }
    return result;
  };
}
