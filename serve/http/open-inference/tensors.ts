import { product } from '../../../base/statistics.js';
import type { Rendering } from '../../../base/preprocess.js';
import { renderInput, type PixelLayout } from '../../inference/pixel-layout.js';
import type { Input, RunOptions } from '../../inference/pool.js';
import type { Decoder } from '../../images/decoder.js';
import type { ImageSize } from '../../models/model.js';
import { badRequest, shown } from '../refusals.js';
import { fewAtOnce } from '../few-at-once.js';
import type { DescribedTensor, Tensor } from './request.js';
import type { Served } from '../served.js';
import { bytesOf, inputNames, type Datatype } from '../wire.js';

const isBytes = (data: DescribedTensor['data']): data is Buffer => Buffer.isBuffer(data);
const text = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Shape of an image in a data type. @throws Refusal 400 when the data type is not accepted. */
function shapeFor(datatype: Datatype, { name, values, pixels }: Served): readonly number[] {
  if (datatype === 'FP32') {
    if (values !== null) return values;
    throw badRequest(
      `the networks of ${name} differ in size, layout or normalisation`,
      `Send pixels (UINT8) as ${inputNames.pixels}, or request one network by its name.`,
    );
  }
  if (pixels !== null) return pixels;
  throw badRequest(
    `the metadata of ${name} has no mean and std for pixels`,
    `Send normalised values (FP32) as ${inputNames.values}.`,
  );
}

function checkName({ name, datatype }: DescribedTensor, { valuesNames }: Served): void {
  const names = datatype === 'FP32' ? valuesNames : [inputNames.pixels];
  if (names.includes(name)) return;
  throw badRequest(`there is no input ${shown(name)} of ${datatype}`, `It is called ${names.join(' or ')}.`);
}

function countOf({ shape }: DescribedTensor, image: readonly number[], most: number): number {
  const [count, ...rest] = shape;
  if (shape.length !== image.length + 1 || rest.join() !== image.join() || count < 1)
    throw badRequest(`inputs[0].shape is ${text(shape)}`, `It must be [images, ${image.join(', ')}].`);
  if (count > most) throw badRequest(`there are ${count} images in one request`, `At most ${most} may be.`);
  return count;
}

/** A view of the bytes as floats, or a copy where they are not aligned to four bytes. */
const floats = (bytes: Buffer): Float32Array =>
  bytes.byteOffset % 4 === 0
    ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    : new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));

/** Whether all values are finite: infinity and NaN times 0 are NaN, and so is their sum. */
export function isFinite32(values: Float32Array): boolean {
  // Four independent sums, because one sum waits for each addition.
  const { length } = values;
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (; i < length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}

function checkFinite(values: Float32Array): Float32Array {
  if (isFinite32(values)) return values;
  const at = values.findIndex((value) => !Number.isFinite(value));
  throw badRequest(`number ${at} of the tensor is ${values[at]}`, 'All must be finite 32-bit floats.');
}

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;

/** Copies numbers, flat or nested up to the depth of the shape, into `target`. */
function fill(target: Float32Array | Uint8Array, data: readonly unknown[], depth: number): void {
  const isRight = target instanceof Uint8Array ? isByte : Number.isFinite;
  const refuseCount = (): never => {
    throw badRequest('the length of inputs[0].data does not match its shape', `It must have ${target.length} numbers.`);
  };
  let at = 0;
  const write = (values: readonly unknown[], left: number): void => {
    for (const value of values)
      if (typeof value === 'number' && isRight(value)) {
        if (at === target.length) refuseCount();
        target[at++] = value;
      } else if (Array.isArray(value) && left > 1) write(value, left - 1);
      else
        throw badRequest(
          `number ${at} of inputs[0].data is ${shown(value)}`,
          target instanceof Uint8Array ? 'UINT8 takes whole numbers from 0 to 255.' : 'FP32 takes numbers.',
        );
  };
  write(data, depth);
  if (at < target.length) refuseCount();
}

function checkBytes(bytes: Buffer, datatype: Datatype, count: number): void {
  const expected = count * bytesOf[datatype];
  if (bytes.length !== expected)
    throw badRequest(`inputs[0] has ${bytes.length} bytes`, `Its shape and ${datatype} make ${expected}.`);
}

/** Describes a body of bytes alone: one image, whose data type follows from its size. */
function describeRaw(bytes: Buffer, served: Served): DescribedTensor {
  const sizes: string[] = [];
  for (const datatype of ['FP32', 'UINT8'] as const) {
    const image = datatype === 'FP32' ? served.values : served.pixels;
    if (image === null) continue;
    const size = product(image) * bytesOf[datatype];
    const name = datatype === 'FP32' ? inputNames.values : inputNames.pixels;
    if (bytes.length === size) return { kind: 'described', name, datatype, shape: [1, ...image], data: bytes };
    sizes.push(`${size} (${datatype})`);
  }
  throw badRequest(`the tensor has ${bytes.length} bytes`, `One image has ${sizes.join(' or ')}.`);
}

/** Splits an array into views of `size` elements. */
function split<T extends Uint8Array | Float32Array>(all: T, size: number): readonly T[] {
  if (all.length === size) return [all];
  const parts: T[] = [];
  for (let start = 0; start < all.length; start += size) parts.push(all.subarray(start, start + size) as T);
  return parts;
}

/**
 * The images of a request's tensor, as views of its bytes where possible.
 * @param most limit of images in a request
 * @throws Refusal 400 when name, type, shape, bytes or numbers do not match the model
 */
export function inputsOf(tensor: Tensor, served: Served, most: number): readonly Input[] {
  const described = tensor.kind === 'raw' ? describeRaw(tensor.bytes, served) : tensor;
  const { datatype, data } = described;
  const image = shapeFor(datatype, served);
  checkName(described, served);
  const count = countOf(described, image, most);
  const size = product(image);
  if (isBytes(data)) checkBytes(data, datatype, count * size);
  if (datatype === 'UINT8') {
    const bytes = isBytes(data) ? data : new Uint8Array(count * size);
    if (!isBytes(data)) fill(bytes, data, described.shape.length);
    return split(bytes, size).map((one) => ({ kind: 'pixels', data: one }));
  }
  const values = isBytes(data) ? floats(data) : new Float32Array(count * size);
  if (!isBytes(data)) fill(values, data, described.shape.length);
  checkFinite(values);
  return split(values, size).map((one) => ({ kind: 'values', data: one }));
}

const isSize = ({ size, channels }: Rendering, [height, width, depth]: ImageSize): boolean =>
  size[0] === height && size[1] === width && channels === depth;

/**
 * Renders images of bytes for the networks that take other sizes. A network that takes the size of the tensor gets its bytes
 * unchanged.
 * @throws NotAnswered when the deadline does not allow it
 */
export async function renderedInputs(
  inputs: readonly Input[],
  { pixels, renderings }: Served,
  { layout, decoder, run }: { readonly layout: PixelLayout; readonly decoder: Decoder; readonly run: RunOptions },
): Promise<readonly Input[]> {
  if (pixels === null || inputs[0].kind === 'values') return inputs;
  if (layout.parts.length === 1 && renderings.length === 1 && isSize(renderings[0], pixels)) return inputs;
  let hasFailed = false;
  const isGone = (): boolean => hasFailed || run.isGone();
  const rendered: Input[] = [];
  await fewAtOnce(inputs, async ({ kind, data }, i) => {
    if (kind === 'values') throw new Error('a request mixes values and pixels');
    try {
      const parts = await renderInput(layout, renderings, (rendering) =>
        isSize(rendering, pixels) ? data : decoder.render(data, pixels, { ...run, isGone, rendering }),
      );
      rendered[i] = { kind, data: parts };
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  });
  return rendered;
}
