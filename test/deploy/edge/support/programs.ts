import { Random } from '../../../../base/random.js';
import { product } from '../../../../base/statistics.js';
import type {
  Clipping,
  EdgeOperator,
  EdgeProgram,
  EdgeTensor,
  Elementwise,
  Pair,
  Quantization,
  TensorId,
} from '../../../../deploy/edge/program.js';

export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly dilation?: number;
  readonly clip?: Clipping;
  /** Absent: (kernel - 1) / 2 pixels on each side. */
  readonly pad?: number;
}

/** An operator; its label is its name by default. */
type Unlabelled<O extends EdgeOperator = EdgeOperator> = O extends EdgeOperator
  ? Omit<O, 'label'> & { readonly label?: string }
  : never;

/** Writes int8 programs by hand, with random weights and scales at which most bytes are used. */
export class Programs {
  private readonly tensors: EdgeTensor[] = [];
  private readonly operators: EdgeOperator[] = [];
  private readonly random: Random;

  constructor(seed: number) {
    this.random = new Random(seed, 'edge program');
  }

  private tensor(tensor: Omit<EdgeTensor, 'name'>): TensorId {
    return this.tensors.push({ name: `t${this.tensors.length}`, ...tensor }) - 1;
  }

  private quantization(scale = 0.01 + 0.04 * this.random.uniform()): Quantization {
    return { scales: Float32Array.of(scale), zero: this.random.int(100) - 50 };
  }

  private bytes(length: number): Int8Array {
    return Int8Array.from({ length }, () => this.random.int(256) - 128);
  }

  shape(id: TensorId): readonly number[] {
    return this.tensors[id].shape;
  }

  image(height: number, width: number, channels: number): TensorId {
    return this.tensor({ shape: [1, height, width, channels], element: 'int8', quantization: this.quantization() });
  }

  /** A result of its own quantization, or of that of `like`. */
  private result(shape: readonly number[], like?: TensorId): TensorId {
    const quantization = like === undefined ? this.quantization() : this.tensors[like].quantization;
    return this.tensor({ shape, element: 'int8', quantization });
  }

  private push(operator: Unlabelled): TensorId {
    this.operators.push({ label: operator.op, ...operator });
    return operator.output;
  }

  private windowed(from: TensorId, { kernel = 3, stride = 1, dilation = 1, pad }: ConvOptions) {
    const [, height, width] = this.shape(from);
    const reach = (kernel - 1) * dilation + 1;
    const around = pad ?? (reach - 1) >> 1;
    const out = [height, width].map((n) => Math.floor((n + 2 * around - reach) / stride) + 1);
    const strides: Pair = [stride, stride];
    return { out, strides, padding: { top: around, left: around, bottom: around, right: around } };
  }

  private weights(shape: readonly number[], axis: number, from: TensorId, taps: number): [TensorId, TensorId] {
    const channels = shape[axis];
    const scales = Float32Array.from(
      { length: channels },
      () => ((0.5 + this.random.uniform()) * 0.02) / Math.sqrt(taps),
    );
    const weights = this.tensor({
      shape,
      element: 'int8',
      quantization: { scales, zero: 0, axis },
      data: this.bytes(product(shape)),
    });
    const data = Int32Array.from({ length: channels }, () => this.random.int(4000) - 2000);
    const biasScales = scales.map((scale) => scale * (this.tensors[from].quantization?.scales[0] ?? 1));
    const bias = this.tensor({
      shape: [channels],
      element: 'int32',
      quantization: { scales: biasScales, zero: 0, axis: 0 },
      data,
    });
    return [weights, bias];
  }

  conv(from: TensorId, channels: number, options: ConvOptions = {}): TensorId {
    const { kernel = 3, groups = 1, dilation = 1, clip = 'none' } = options;
    const { out, ...window } = this.windowed(from, options);
    const depth = this.shape(from)[3] / groups;
    const [weights, bias] = this.weights([channels, kernel, kernel, depth], 0, from, kernel * kernel * depth);
    const output = this.result([1, ...out, channels]);
    const inputs = [from, weights, bias];
    return this.push({ op: 'conv', inputs, output, groups, dilations: [dilation, dilation], clip, ...window });
  }

  depthwise(from: TensorId, options: ConvOptions & { multiplier?: number } = {}): TensorId {
    const { kernel = 3, dilation = 1, clip = 'none', multiplier = 1 } = options;
    const { out, ...window } = this.windowed(from, options);
    const channels = this.shape(from)[3] * multiplier;
    const [weights, bias] = this.weights([1, kernel, kernel, channels], 3, from, kernel * kernel);
    const output = this.result([1, ...out, channels]);
    const dilations: Pair = [dilation, dilation];
    const inputs = [from, weights, bias];
    return this.push({ op: 'depthwise', inputs, output, multiplier, dilations, clip, ...window });
  }

  pair(op: 'add' | 'mul', a: TensorId, b: TensorId, clip: Clipping = 'none'): TensorId {
    return this.push({ op, inputs: [a, b], output: this.result(this.shape(a)), clip });
  }

  constant(shape: readonly number[]): TensorId {
    return this.tensor({ shape, element: 'int8', quantization: this.quantization(), data: this.bytes(product(shape)) });
  }

  elementwise(from: TensorId, fn: Elementwise): TensorId {
    const output = this.result(this.shape(from));
    return this.push({ op: 'elementwise', label: fn.name, inputs: [from], output, function: fn });
  }

  mean(from: TensorId): TensorId {
    const output = this.result([1, 1, 1, this.shape(from)[3]]);
    return this.push({ op: 'mean', inputs: [from], output });
  }

  pool(op: 'max-pool' | 'average-pool', from: TensorId, kernel: number, stride: number, pad = 0): TensorId {
    const { out, ...window } = this.windowed(from, { kernel, stride, pad });
    const output = this.result([1, ...out, this.shape(from)[3]], from);
    return this.push({ op, inputs: [from], output, size: [kernel, kernel], ...window });
  }

  pad(from: TensorId, around: number): TensorId {
    const [, height, width, channels] = this.shape(from);
    const padding = { top: around, left: around, bottom: 0, right: around };
    const output = this.result([1, height + around, width + 2 * around, channels], from);
    return this.push({ op: 'pad', inputs: [from], output, padding });
  }

  /** @param missing rows and columns that the result lacks */
  upsample(from: TensorId, missing: Pair = [0, 0]): TensorId {
    const [, height, width, channels] = this.shape(from);
    const output = this.result([1, 2 * height - missing[0], 2 * width - missing[1], channels], from);
    return this.push({ op: 'upsample', inputs: [from], output });
  }

  concat(inputs: readonly TensorId[]): TensorId {
    const [, height, width] = this.shape(inputs[0]);
    const channels = inputs.reduce((sum, id) => sum + this.shape(id)[3], 0);
    return this.push({ op: 'concat', inputs, output: this.result([1, height, width, channels], inputs[0]) });
  }

  slice(from: TensorId, start: number, channels: number): TensorId {
    const [, height, width] = this.shape(from);
    const output = this.result([1, height, width, channels], from);
    return this.push({ op: 'slice', inputs: [from], output, from: start });
  }

  shuffle(from: TensorId, groups: number): TensorId {
    return this.push({ op: 'shuffle', inputs: [from], output: this.result(this.shape(from), from), groups });
  }

  /** Squeeze and excite: a gate for each channel. */
  excite(from: TensorId): TensorId {
    const channels = this.shape(from)[3];
    const few = this.conv(this.mean(from), Math.max(1, channels >> 2), { kernel: 1, clip: 'relu' });
    const gate = this.elementwise(this.conv(few, channels, { kernel: 1 }), { name: 'hard-sigmoid' });
    return this.pair('mul', from, gate);
  }

  reshape(from: TensorId): TensorId {
    const output = this.result([1, product(this.shape(from))], from);
    return this.push({ op: 'reshape', label: 'flatten', inputs: [from], output });
  }

  softmax(from: TensorId): TensorId {
    const quantization = { scales: Float32Array.of(1 / 256), zero: -128 };
    const output = this.tensor({ shape: this.shape(from), element: 'int8', quantization });
    return this.push({ op: 'softmax', inputs: [from], output });
  }

  program(input: TensorId, ...outputs: readonly TensorId[]): EdgeProgram {
    return { tensors: this.tensors, operators: this.operators, input, outputs };
  }
}

/** Random bytes for the input of a program. */
export function randomImage({ tensors, input }: EdgeProgram, seed: number): Int8Array {
  const random = new Random(seed, 'edge image');
  return Int8Array.from({ length: product(tensors[input].shape) }, () => random.int(256) - 128);
}

const functions: readonly Elementwise[] = [
  ...(['relu', 'relu6', 'hard-swish', 'hard-sigmoid', 'sigmoid', 'tanh', 'rescale'] as const).map((name) => ({
    name,
  })),
  { name: 'leaky-relu', slope: 0.1 },
];

/** A network of random layers: residual sums, gates, branches, pools; ends with logits of a dense layer. */
export function randomProgram(seed: number): EdgeProgram {
  const random = new Random(seed, 'edge layers');
  const p = new Programs(seed);
  const side = 8 + random.int(12);
  const input = p.image(side, side + random.int(3), 1 + random.int(4));
  let x = p.conv(input, 4 + random.int(13), {
    stride: 1 + random.int(2),
    clip: random.pick(['none', 'relu', 'relu6']),
  });
  const clip = (): Clipping => random.pick(['none', 'relu', 'relu6']);
  const layers: readonly (() => TensorId)[] = [
    () => p.conv(x, 1 + random.int(24), { kernel: 1, clip: clip() }),
    () =>
      p.conv(x, 1 + random.int(12), {
        kernel: random.pick([2, 3]),
        dilation: 1 + random.int(2),
        pad: random.int(3),
        clip: clip(),
      }),
    () => p.depthwise(x, { kernel: random.pick([3, 5]), stride: 1 + random.int(2), clip: clip() }),
    () => p.depthwise(x, { multiplier: 2, dilation: 2 }),
    () => p.elementwise(x, random.pick(functions)),
    () => p.excite(x),
    () => p.pair('mul', x, p.constant(random.pick([[1, 1, 1, p.shape(x)[3]], [1]]))),
    () => p.pair('add', x, p.constant([1, 1, 1, p.shape(x)[3]]), clip()),
    () => {
      const [, , , channels] = p.shape(x);
      const wide = p.depthwise(p.conv(x, channels * (1 + random.int(4)), { kernel: 1, clip: 'relu6' }), {
        clip: 'relu6',
      });
      return p.pair('add', x, p.conv(wide, channels, { kernel: 1 }), clip());
    },
    () => {
      const channels = 2 * p.shape(x)[3];
      const both = p.concat([x, p.pool('max-pool', x, 3, 1, 1)]);
      const half = p.slice(p.shuffle(both, 2), channels / 4 > 1 ? 1 : 0, channels / 2);
      return p.conv(half, channels, { kernel: 1, groups: channels % 4 === 0 ? 2 : 1 });
    },
    () => (p.shape(x)[1] < 4 ? x : p.pool(random.pick(['max-pool', 'average-pool'] as const), x, 2, 2)),
    () => p.pool('average-pool', p.pad(x, 1), 3, 1, 1),
  ];
  for (let n = 3 + random.int(6); n > 0; n--) {
    const [, height, width, channels] = p.shape(x);
    // Branches and residuals keep the image small enough for a test.
    if (height * width * channels > 6000) x = p.pool('max-pool', x, 2, 2);
    x = random.pick(layers)();
  }
  const logits = p.reshape(p.conv(p.mean(x), 10, { kernel: 1 }));
  return p.program(input, random.int(4) === 0 ? p.softmax(logits) : logits);
}

/**
 * A detector of stride 4 with a deeper map, of odd sides where the image has them. Its maps come from one tower. Centroids have no
 * boxes.
 */
export function detectorProgram(seed: number, classes = 2, centroids = false): EdgeProgram {
  const random = new Random(seed, 'edge detector');
  const p = new Programs(seed);
  const input = p.image(17 + random.int(20), 17 + random.int(20), 3);
  const fine = p.conv(p.conv(input, 8, { stride: 2, clip: 'relu' }), 12, { stride: 2, clip: 'relu' });
  const coarse = p.conv(p.conv(fine, 16, { stride: 2, clip: 'relu' }), 10, { kernel: 1 });
  const near = p.conv(fine, 10, { kernel: 1 });
  const missing = [1, 2].map((axis) => 2 * p.shape(coarse)[axis] - p.shape(near)[axis]);
  const sum = p.pair('add', near, p.upsample(coarse, [missing[0], missing[1]]), 'relu');
  const tower = p.conv(sum, 10, { clip: 'relu' });
  const boxes = centroids ? [] : [p.conv(tower, 4, { kernel: 1 })];
  return p.program(input, p.conv(tower, classes, { kernel: 1 }), ...boxes);
}

/** The same network as a segmenter. */
export const segmenterProgram = (seed: number, classes = 3): EdgeProgram => ({
  ...detectorProgram(seed, classes, true),
  segmentation: { stride: 4 },
});

const divisible = (channels: number): number => {
  const near = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return near < 0.9 * channels ? near + 8 : near;
};

/** MobileNetV2 (https://arxiv.org/abs/1801.04381) with random weights. */
export function mobileNetV2(width: number, side: number, classes: number): EdgeProgram {
  const p = new Programs(1);
  const input = p.image(side, side, 3);
  let x = p.conv(input, divisible(32 * width), { stride: 2, clip: 'relu6' });
  const stages = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expansion, base, repeats, first] of stages)
    for (let n = 0; n < repeats; n++) {
      const [from, channels, stride] = [x, divisible(base * width), n === 0 ? first : 1];
      if (expansion > 1) x = p.conv(x, p.shape(x)[3] * expansion, { kernel: 1, clip: 'relu6' });
      x = p.conv(p.depthwise(x, { stride, clip: 'relu6' }), channels, { kernel: 1 });
      if (stride === 1 && p.shape(from)[3] === channels) x = p.pair('add', from, x);
    }
  x = p.conv(x, width > 1 ? divisible(1280 * width) : 1280, { kernel: 1, clip: 'relu6' });
  return p.program(input, p.reshape(p.conv(p.mean(x), classes, { kernel: 1 })));
}
