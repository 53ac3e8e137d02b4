import { type Shape, sizeOf, string } from '../graph/index.js';
import { Val } from '../values/value.js';
import { type Rule, withAttrs } from './call.js';

const golden = 0x9e3779b1;

/**
 * Uniform noise in [0, 1): a counter-based hash (the low-bias 32-bit mixer of C. Wellons) of the program's seed input, the
 * call site's number and the element's index; its top 24 bits as a float.
 */
function uniform(call: Parameters<Rule>[0], shape: Shape): Val {
  const { builder } = call;
  const count = sizeOf(shape);
  const unsigned = (value: number): string => builder.scalar(value >>> 0, 'uint32');
  const site = unsigned(Math.imul(call.context.unique('noise'), golden));
  const key = builder.emit('Add', [builder.emit('Mul', [call.context.noiseSeed(), unsigned(0x85ebca77)]), site]);
  const indices = Uint32Array.from({ length: count }, (_, i) => Math.imul(i, golden) >>> 0);
  const shifted = (x: string, by: number): string =>
    builder.emit('BitShift', [x, unsigned(by)], { direction: string('RIGHT') });
  const mix = (x: string, by: number, factor: number): string =>
    builder.emit('Mul', [builder.emit('BitwiseXor', [x, shifted(x, by)]), unsigned(factor)]);
  const start = builder.emit('BitwiseXor', [builder.addConstant(indices, [count], 'uint32'), key]);
  const bits = shifted(mix(mix(start, 16, 0x7feb352d), 15, 0x846ca68b), 8);
  const numbers = builder.cast(bits, 'float32');
  const scaled = builder.emit('Mul', [numbers, builder.scalar(2 ** -24)]);
  return Val.of(builder, builder.reshape(scaled, shape), shape, 'float32');
}

/** The same numbers in JavaScript, for call site `site` under a seed. */
export function hostUniform(seed: number, site: number, count: number): Float32Array {
  const key = (Math.imul(seed, 0x85ebca77) + Math.imul(site, golden)) | 0;
  return Float32Array.from({ length: count }, (_, i) => {
    let h = Math.imul(i, golden) ^ key;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
    return (h >>> 8) * 2 ** -24;
  });
}

export const randomRules = {
  NasUniform: withAttrs((call, { shape }: { shape: number[] }) => uniform(call, shape)),
} satisfies Record<string, Rule>;
