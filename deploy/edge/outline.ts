import {
  applyRule,
  headsOf,
  layersOf,
  paddingAlong,
  type Layer,
  type LayerOf,
  type LayerTable,
  type Network,
  type Part,
  type Shape,
  type Windowed,
} from '../../spaces/index.js';
import { bytes, withoutUnused, type Made } from './lower-program.js';
import {
  noPadding,
  type EdgeOperator,
  type EdgeProgram,
  type EdgeTensor,
  type Elementwise,
  type TensorId,
} from './program.js';

/**
 * The int8 program of a network whose weights are not known: the operators and shapes that `lowerOnnx` finds in the file of the
 * trained, quantized network. Constants have no data. The trained program needs the same memory.
 */
export function outlineOf(network: Network): EdgeProgram {
  return new Outline(layersOf(network)).finish();
}

/** The same of a part of a network alone, from the result of the part before it to its own. */
export function outlineOfPart({ layers, before, output }: Part): EdgeProgram {
  const { count, shape } = before;
  const input = { kind: 'input', name: 'input', inputs: [], input: shape, output: shape } as const;
  return new Outline(count === 0 ? layers : [input, ...layers]).until(output);
}

const onePixel = { kernel: 1, stride: 1 } as const;

function window(layer: Windowed) {
  const [[top, bottom], [left, right]] = ([0, 1] as const).map((axis) => paddingAlong(layer, axis));
  return { strides: [layer.stride, layer.stride], padding: { top, left, bottom, right } } as const;
}

/** The value of each layer, and how many layers read it. */
class Outline {
  private readonly tensors: EdgeTensor[] = [];
  private readonly operators: EdgeOperator[] = [];
  private readonly made = new Map<string, TensorId>();
  private readonly values: TensorId[] = [];
  /** The outputs of a network with maps: classes, and boxes where it finds them. */
  private maps: readonly TensorId[] = [];
  private segmentation: EdgeProgram['segmentation'];
  private readonly readers: readonly number[];

  constructor(readonly layers: readonly Layer[]) {
    const readers = layers.map(() => 0);
    for (const { inputs } of layers) for (const i of inputs) readers[i]++;
    this.readers = readers;
    for (const layer of layers) this.values.push(applyRule(rules, layer, this));
  }

  /** The program that ends with the result of a layer. */
  until(layer: number): EdgeProgram {
    const { tensors, operators, values } = this;
    return withoutUnused({ tensors, operators, input: values[0], outputs: [values[layer]] });
  }

  finish(): EdgeProgram {
    const made = { tensors: this.tensors, operators: this.operators, input: this.values[0] };
    if (this.maps.length > 0)
      return { ...withoutUnused({ ...made, outputs: this.maps }), segmentation: this.segmentation };
    const scores = this.values[this.values.length - 1];
    const classes = this.tensors[scores].shape[3];
    const output = this.tensor('logits', [1, classes]);
    this.operators.push({ op: 'reshape', label: 'logits', inputs: [scores], output });
    return withoutUnused({ ...made, outputs: [output] });
  }

  private tensor(name: string, shape: readonly number[], element: EdgeTensor['element'] = 'int8'): TensorId {
    return this.tensors.push({ name, shape, element, quantization: unit }) - 1;
  }

  value({ inputs }: Layer, index = 0): TensorId {
    return this.values[inputs[index]];
  }

  image({ name, output: [height, width, channels] }: Pick<Layer, 'name' | 'output'>): TensorId {
    return this.tensor(name, [1, height, width, channels]);
  }

  emit(operator: Made, output: Shape): TensorId {
    const result = this.image({ name: operator.label, output });
    this.operators.push({ ...operator, output: result });
    return result;
  }

  /** The same for operators without weights: equal ones on the same inputs are one. `detail` says what else they have. */
  once(operator: Made, output: Shape, detail: number | string = ''): TensorId {
    const key = `${operator.op} ${detail} ${operator.inputs.join()}`;
    const known = this.made.get(key) ?? this.emit(operator, output);
    this.made.set(key, known);
    return known;
  }

  /** Weights and biases of a layer. */
  weights({ name }: Layer, shape: readonly number[], channels: number): readonly TensorId[] {
    return [this.tensor(name, shape), this.tensor(name, [channels], 'int32')];
  }

  /** Sums of products of the channels of each pixel. */
  onePixel(layer: Layer, channels: number): TensorId {
    const { input, output, name } = layer;
    const inputs = [this.value(layer), ...this.weights(layer, [channels, 1, 1, input[2]], channels)];
    const one = { strides: [1, 1], padding: noPadding, dilations: [1, 1], groups: 1, clip: 'none' } as const;
    return this.emit({ op: 'conv', label: name, inputs, ...one }, [output[0], output[1], channels]);
  }

  /** The heads of a detector. */
  heads(layer: LayerOf<'detections'>): TensorId {
    if (layer.task === 'segmentation') this.segmentation = { stride: layer.stride };
    this.maps = headsOf(layer).map(([, channels]) => this.onePixel(layer, channels));
    return this.maps[0];
  }

  depthwise(layer: Layer, windowed: Windowed): TensorId {
    const { kernel, output } = windowed;
    const inputs = [this.value(layer), ...this.weights(layer, [1, kernel, kernel, output[2]], output[2])];
    const rest = { multiplier: 1, dilations: [1, 1], clip: 'none' } as const;
    return this.emit({ op: 'depthwise', label: layer.name, inputs, ...rest, ...window(windowed) }, output);
  }

  elementwise(layer: Layer, name: PlainFunction, input = this.value(layer)): TensorId {
    return this.once({ op: 'elementwise', label: layer.name, inputs: [input], function: { name } }, layer.output, name);
  }

  /** Whether a norm reads a convolution that nothing else reads. */
  isFolded({ inputs: [input] }: Layer): boolean {
    const before = this.layers[input];
    if (this.readers[input] > 1) return false;
    return before.kind === 'batch_norm' ? this.isFolded(before) : before.kind === 'conv' || before.kind === 'depthwise';
  }

  /** Whether the operator that computes a layer's input saturates where the layer clips. */
  saturates({ inputs: [input] }: Layer): boolean {
    if (this.readers[input] > 1) return false;
    return saturating.has(this.layers[input].kind);
  }
}

const unit = bytes(1, 0);

type PlainFunction = Exclude<Elementwise, { name: 'leaky-relu' }>['name'];

const saturating: ReadonlySet<Layer['kind']> = new Set([
  'conv',
  'depthwise',
  'batch_norm',
  'dense',
  'add',
  'multiply',
  'avg_pool',
]);

const through = (layer: Layer, it: Outline): TensorId => it.value(layer);

function pooled(layer: LayerOf<'avg_pool' | 'max_pool'>, it: Outline, op: 'average-pool' | 'max-pool'): TensorId {
  const { kernel, name, output } = layer;
  const inputs = [it.value(layer)];
  const own = { op, label: name, inputs, size: [kernel, kernel], ...window(layer) } as const;
  return it.once(own, output, `${kernel} ${layer.stride}`);
}

const rules: LayerTable<TensorId, [Outline]> = {
  input: (layer, it) => it.image(layer),
  conv: (layer, it) => {
    const { kernel, groups = 1, input, output, name } = layer;
    const inputs = [it.value(layer), ...it.weights(layer, [output[2], kernel, kernel, input[2] / groups], output[2])];
    return it.emit(
      { op: 'conv', label: name, inputs, groups, dilations: [1, 1], clip: 'none', ...window(layer) },
      output,
    );
  },
  depthwise: (layer, it) => it.depthwise(layer, layer),
  // Folded into the convolution before, otherwise a convolution of one pixel.
  batch_norm: (layer, it) => (it.isFolded(layer) ? it.value(layer) : it.depthwise(layer, { ...layer, ...onePixel })),
  activation: (layer, it) => {
    const x = it.value(layer);
    switch (layer.act) {
      case 'relu':
      case 'relu6':
        // Bytes of another scale, which saturate.
        return it.saturates(layer) ? x : it.elementwise(layer, 'rescale');
      case 'hard_swish':
        return it.elementwise(layer, 'hard-swish');
      case 'swish': {
        const gate = it.elementwise(layer, 'sigmoid');
        return it.once({ op: 'mul', label: layer.name, inputs: [x, gate], clip: 'none' }, layer.output);
      }
      case 'hard_sigmoid':
        return it.elementwise(layer, 'hard-sigmoid');
      case 'sigmoid':
        return it.elementwise(layer, 'sigmoid');
    }
  },
  avg_pool: (layer, it) => it.elementwise(layer, 'rescale', pooled(layer, it, 'average-pool')),
  max_pool: (layer, it) => pooled(layer, it, 'max-pool'),
  global_pool: (layer, it) => it.once({ op: 'mean', label: layer.name, inputs: [it.value(layer)] }, layer.output),
  dense: (layer, it) => it.onePixel(layer, layer.output[2]),
  dropout: through,
  add: (layer, it) =>
    it.once(
      { op: 'add', label: layer.name, inputs: [it.value(layer), it.value(layer, 1)], clip: 'none' },
      layer.output,
    ),
  multiply: (layer, it) =>
    it.once(
      { op: 'mul', label: layer.name, inputs: [it.value(layer), it.value(layer, 1)], clip: 'none' },
      layer.output,
    ),
  zero: (layer, it) => it.image(layer),
  upsample: (layer, it) => it.once({ op: 'upsample', label: layer.name, inputs: [it.value(layer)] }, layer.output),
  detections: (layer, it) => it.heads(layer),
};
