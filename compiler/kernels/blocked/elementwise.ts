import { type Attributes, type GraphBuilder, type OnnxOp, sameShape, type Shape } from '../../graph/index.js';
import type { BlockOrder } from '../../values/blocks.js';
import { Val } from '../../values/value.js';
import { convolutionAttributes } from '../geometry.js';
import { affine, imageVector, imageView, inBlocks, onBlocks } from './in-blocks.js';

/** Operators that map finite operands to finite results: the padding of blocks stays finite. */
const finite: ReadonlySet<OnnxOp> = new Set<OnnxOp>([
  'Abs',
  'Add',
  'Clip',
  'Elu',
  'HardSigmoid',
  'LeakyRelu',
  'Max',
  'Min',
  'Mul',
  'Neg',
  'QuickGelu',
  'Relu',
  'Round',
  'Sigmoid',
  'Softplus',
  'Sub',
  'Tanh',
]);

/** The most common block order of the values; null when fewer than half of them are in blocks. */
function commonOrder(values: readonly Val[]): BlockOrder | null {
  const orders = values.flatMap(({ blockOrder }) => blockOrder ?? []);
  if (orders.length === 0 || 2 * orders.length < values.length) return null;
  const long = orders.filter((order) => order === 'CNHWc').length;
  return 2 * long >= orders.length ? 'CNHWc' : 'NCHWc';
}

/** [images or 1, channels] of an operand with one number per channel, or per channel and image; null for others. */
function vectorShape(value: Val, shape: Shape): readonly [number, number] | null {
  const stored = [...new Array<number>(4 - value.rank).fill(1), ...value.stored];
  const fits = (stored[0] === 1 || stored[0] === shape[0]) && stored[1] === 1 && stored[2] === 1;
  return fits && stored[3] === shape[3] ? [stored[0], stored[3]] : null;
}

/** A convolution that only multiplies each channel of each image by a factor; adding to its result is free. */
function factorOf(builder: GraphBuilder, name: string): { readonly of: string; readonly scale: string } | null {
  const [a, b, ...pixels] = builder.shapeOf(name);
  const reshaped = builder.producer(name);
  const node = reshaped?.op === 'Reshape' ? builder.producer(reshaped.inputs[0]) : undefined;
  if (node?.op !== 'nchwc.Conv' || node.inputs.length !== 2) return null;
  const [source, weights] = node.inputs;
  const [groups, ...rest] = builder.shapeOf(weights);
  return groups === a * b * pixels[2] && rest.every((d) => d === 1) ? { of: source, scale: weights } : null;
}

/** x*factor + values per image, when x comes from such a convolution (`factorOf`); null otherwise. */
function offsetImages(full: Val, values: Val, order: BlockOrder): Val | null {
  const { builder, shape, blockOrder } = full;
  const factor = blockOrder === order ? factorOf(builder, full.blockedForm(order)) : null;
  if (factor === null) return null;
  return onBlocks([full], order, shape, (x) => {
    const [, group] = imageView(x);
    const inputs = [factor.of, factor.scale, imageVector(x, values)];
    return builder.emit('nchwc.Conv', inputs, convolutionAttributes({ kernel: [1, 1], group }));
  });
}

/** x * vector or x + vector in one pass over the images. */
function withVector(op: 'Mul' | 'Add', full: Val, vector: Val, order: BlockOrder): Val {
  const [images, channels] = vectorShape(vector, full.shape) ?? [1, 1];
  const values = vector.relabelled(vector.stored).reshaped(images > 1 ? [images, 1, 1, channels] : [channels]);
  if (op === 'Mul') return affine(full, { scale: values }, order);
  return (images > 1 ? offsetImages(full, values, order) : null) ?? affine(full, { scale: 1, offset: values }, order);
}

/** x * values or x + values with numbers [N, 1, 1, C], for a dynamic batch, whose number of groups is unknown. */
function broadcastVector(op: 'Mul' | 'Add', full: Val, vector: Val): Val {
  const x = inBlocks(full, 'NCHWc');
  const { builder, images, channels, block } = x;
  const packed = imageVector(x, vector.relabelled(vector.stored));
  const shaped = builder.reshape(packed, [images, channels / block, 1, 1, block]);
  return Val.blocked(builder, builder.emit(op, [x.name, shaped]), full.shape, 'NCHWc');
}

/** An elementwise operator on values in blocks; null when unsupported or when most operands are not in blocks. */
export function blockedElementwise(
  op: OnnxOp,
  values: readonly Val[],
  attributes: Attributes,
  shape: Shape,
): Val | null {
  const { builder } = values[0];
  if (builder.block === null || shape.length !== 4 || !finite.has(op)) return null;
  const full = values.filter((value) => value.number === null && value.isFull && sameShape(value.shape, shape));
  const order = commonOrder(full);
  if (order === null || values.some(({ dtype }) => dtype !== 'float32')) return null;
  const others = values.filter((value) => value.number === null && !full.includes(value));
  if (others.length > 0) {
    const [vector] = others;
    const possible = (op === 'Mul' || op === 'Add') && full.length === 1 && vectorShape(vector, shape) !== null;
    if (!possible) return null;
    const grouped = builder.dynamicBatch === null || vectorShape(vector, shape)?.[0] === 1;
    return grouped ? withVector(op, full[0], vector, order) : broadcastVector(op, full[0], vector);
  }
  return onBlocks(full, order, shape, (...blocks) => {
    const names = values.map((value) =>
      value.number === null ? blocks[full.indexOf(value)].name : builder.scalar(value.number, 'float32'),
    );
    return builder.emit(op, names, attributes);
  });
}
