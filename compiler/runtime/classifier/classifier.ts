import { invalidInput } from '../../../base/errors.js';
import { imageShape, type ImageData } from './image-shape.js';
import type { ClassifierFacts, Layout } from './metadata.js';
import { showTensor, type Dimension } from './onnx-file.js';
import type { ClassifierSignature } from './signature.js';

/** How a model classifies given images. */
export interface Classifier {
  readonly layout: Layout;
  /** The only batch size that the model takes; null: any. */
  readonly batch: number | null;
  /** How its images are normalised; null: as the data's. */
  readonly normalisation: Pick<ImageData, 'mean' | 'std'> | null;
  /** For each class of the data, the place of the model's output for it; null: the orders are the same. */
  readonly order: readonly number[] | null;
}

/**
 * How a model classifies images of the given data.
 * @param given what is known of the model besides its file, and goes before it
 * @param where what errors call the model
 * @throws NasError `invalid-input` naming what does not fit: size, layout, normalisation or classes
 */
export function fitClassifier(
  signature: ClassifierSignature,
  data: ImageData,
  where: string,
  given: ClassifierFacts = {},
): Classifier {
  const { input, output, facts } = signature;
  const [batch] = input.shape;
  const sizes = output.shape.slice(1);
  const outputs = sizes.every((size) => typeof size === 'number') ? sizes.reduce((a, b) => a * b, 1) : undefined;
  return {
    layout: layoutFor(signature, data, where, given.layout ?? facts.layout),
    batch: typeof batch === 'number' ? batch : null,
    normalisation: normalisationFor(given.mean ?? facts.mean, given.std ?? facts.std, data, where),
    order: classOrder(where, outputs, given.classes ?? facts.classes, data.classes),
  };
}

const layouts = Object.keys(imageShape) as Layout[];

function layoutFor({ input }: ClassifierSignature, data: ImageData, where: string, declared?: Layout): Layout {
  const sides: readonly Dimension[] = input.shape.slice(1);
  const possible = layouts.filter((layout) =>
    imageShape[layout](data).every((side, i) => typeof sides[i] === 'string' || sides[i] === side),
  );
  const found = declared ?? possible.at(0);
  if (found === undefined || !possible.includes(found)) {
    const { height, width, channels } = data;
    const how = declared === undefined ? 'neither as NHWC nor as NCHW' : `in the layout ${declared} that is declared`;
    throw invalidInput(
      `${where} takes ${showTensor(input)}, which does not fit images of ${height} x ${width} with ${channels} channel(s), ${how}`,
      { hint: 'The images must have the size and channels that the model was made for.' },
    );
  }
  // One pixel of one channel is the same in both layouts, whatever the model means.
  if (declared === undefined && possible.length > 1 && sides.some((side) => side !== 1))
    throw invalidInput(`${where} takes ${showTensor(input)}: it cannot be told whether that is NHWC or NCHW`, {
      hint: 'Say it in the metadata of the file, under the key layout, or for a teacher with teacher.layout.',
    });
  return found;
}

function normalisationFor(
  mean: readonly number[] | undefined,
  std: readonly number[] | undefined,
  { channels }: ImageData,
  where: string,
): Classifier['normalisation'] {
  if (mean === undefined && std === undefined) return null;
  if (mean?.length === channels && std?.length === channels) return { mean, std };
  throw invalidInput(
    `${where} normalises ${mean?.length ?? 0} (mean) and ${std?.length ?? 0} (std) channels, the data has ${channels}`,
    { hint: 'Both are needed, in the metadata of the file or for a teacher with teacher.mean and teacher.std.' },
  );
}

const list = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;

/** Without names for the outputs, the data's order is assumed; an unknown number of outputs is seen when they are there. */
export function classOrder(
  where: string,
  outputs: number | undefined,
  names: readonly string[] | undefined,
  data: readonly string[],
): readonly number[] | null {
  if (names !== undefined && names.length !== (outputs ?? names.length))
    throw invalidInput(`${where} has ${outputs ?? 0} outputs but names ${names.length} classes: ${list(names)}`);
  const count = outputs ?? names?.length ?? data.length;
  if (count !== data.length)
    throw invalidInput(`${where} has ${count} outputs, the data ${data.length} classes: ${list(data)}`);
  if (names === undefined || names.every((name, i) => name === data[i])) return null;
  const order = data.map((name) => names.indexOf(name));
  if (!order.includes(-1) && new Set(names).size === names.length) return order;
  const missing = data.filter((name) => !names.includes(name));
  const unknown = names.filter((name) => !data.includes(name));
  throw invalidInput(
    `${where} knows other classes than the data: it lacks ${list(missing) || 'none'}; the data lacks ${list(unknown) || 'none'}`,
    { hint: 'Use data with the classes of the model; for a teacher, teacher.classes names those of its outputs.' },
  );
}
