import fc from 'fast-check';
import { Random } from '../../../../base/random.js';
import type { OnnxFile } from '../../../../compiler/index.js';
import {
  integers,
  modelOf,
  node,
  scalar,
  type ConstantText,
  type NodeText,
} from '../../../compiler/support/onnx-models.js';

/** A tensor [N, channels, size, size]. */
interface Image {
  readonly name: string;
  readonly channels: number;
  readonly size: number;
}

const steps = [
  'conv',
  'grouped',
  'depthwise',
  'relu',
  'relu6',
  'hardSwish',
  'swish',
  'excite',
  'add',
  'addNumber',
  'concat',
  'maxPool',
  'averagePool',
  'shuffle',
] as const;
type Step = (typeof steps)[number];

/** A random classifier: a sequence of steps, with parameters drawn by a seed. */
export interface RandomGraph {
  readonly channels: number;
  readonly size: number;
  readonly steps: readonly Step[];
  readonly seed: number;
}

export const randomGraphs: fc.Arbitrary<RandomGraph> = fc.record({
  channels: fc.constantFrom(1, 3),
  size: fc.constantFrom(1, 5, 6),
  steps: fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 6 }),
  seed: fc.nat(1e6),
});

export function graphOf({ channels, size, steps: wanted, seed }: RandomGraph): OnnxFile {
  const random = new Random(seed);
  const nodes: NodeText[] = [];
  const constants: Record<string, ConstantText> = { zero: scalar(0), six: scalar(6) };
  const names = ['x'];
  const fresh = (): string => {
    const name = `t${names.length}`;
    names.push(name);
    return name;
  };
  const conv = (from: Image, channels: number, kernel: number, group = 1): Image => {
    const name = fresh();
    const per = (from.channels / group) * kernel * kernel;
    const weights = Float32Array.from({ length: channels * per }, () => random.normal() / Math.sqrt(per));
    // Sometimes a channel of zeros, whose output is its bias.
    if (random.int(3) === 0) weights.fill(0, 0, per);
    constants[`${name}w`] = [[channels, from.channels / group, kernel, kernel], weights];
    constants[`${name}b`] = [[channels], Float32Array.from({ length: channels }, () => random.normal() * 0.3)];
    const pads = new Array<number>(4).fill((kernel - 1) / 2);
    nodes.push(node('Conv', `${from.name} ${name}w ${name}b`, name, { group, pads, kernel_shape: [kernel, kernel] }));
    return { ...from, name, channels };
  };
  const unary = (op: string, from: Image, attributes = {}, more = ''): Image => {
    const name = fresh();
    nodes.push(node(op, `${from.name} ${more}`.trim(), name, attributes));
    return { ...from, name };
  };
  const binary = (op: string, a: Image, b: Image): Image => {
    const name = fresh();
    nodes.push(node(op, `${a.name} ${b.name}`, name));
    return { ...a, name };
  };
  const pooled = (op: string, from: Image): Image =>
    from.size < 3
      ? from
      : {
          ...unary(op, from, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
          size: Math.ceil(from.size / 2),
        };
  const relative = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };
  const take: { readonly [K in Step]: (x: Image) => Image } = {
    conv: (x) => conv(x, 4 * (1 + random.int(3)), random.int(2) === 0 ? 1 : 3),
    grouped: (x) => conv(x, 8, 3, x.channels % 2 === 0 ? 2 : 1),
    depthwise: (x) => conv(x, x.channels, 3, x.channels),
    relu: (x) => unary('Relu', x),
    relu6: (x) => unary('Clip', x, {}, 'zero six'),
    hardSwish: (x) => binary('Mul', x, unary('HardSigmoid', x, relative)),
    swish: (x) => binary('Mul', unary('Sigmoid', x), x),
    excite: (x) => {
      const squeezed = unary('Relu', conv({ ...unary('GlobalAveragePool', x), size: 1 }, 4, 1));
      return binary('Mul', x, unary('HardSigmoid', conv(squeezed, x.channels, 1), relative));
    },
    add: (x) => binary('Add', x, unary('Relu', conv(x, x.channels, 1))),
    addNumber: (x) => unary('Add', x, {}, 'six'),
    concat: (x) => {
      const other = conv(x, 4, 1);
      const name = fresh();
      nodes.push(node('Concat', `${x.name} ${other.name}`, name, { axis: 1 }));
      return { ...x, name, channels: x.channels + other.channels };
    },
    maxPool: (x) => pooled('MaxPool', x),
    averagePool: (x) => pooled('AveragePool', x),
    shuffle: (x) => {
      if (x.channels % 2 !== 0) return x;
      const name = fresh();
      constants[`${name}s`] = integers(0, 2, x.channels / 2, x.size, x.size);
      constants[`${name}m`] = integers(0, x.channels, x.size, x.size);
      nodes.push(
        node('Reshape', `${x.name} ${name}s`, `${name}a`),
        node('Transpose', `${name}a`, `${name}t`, { perm: [0, 2, 1, 3, 4] }),
        node('Reshape', `${name}t ${name}m`, name),
      );
      return { ...x, name };
    },
  };
  let image = conv({ name: 'x', channels, size }, 4, 3);
  for (const step of wanted) image = take[step](image);
  const scores = conv({ ...unary('GlobalAveragePool', image), size: 1 }, 5, 1);
  nodes.push(node('Flatten', scores.name, 'y'));
  return modelOf({ nodes, constants, input: ['N', channels, size, size] });
}
