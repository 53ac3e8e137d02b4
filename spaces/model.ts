import * as tfl from '@tensorflow/tfjs-layers';
import { initialise } from './initial-weights.js';
import type { LayerActivation, LayerTable } from './layer.js';
import { applyRule } from './layer.js';
import { layersOf } from './layers.js';
import type { Network } from './network.js';

type Value = tfl.SymbolicTensor;
/** Applies a Keras layer. */
type Apply = (layer: tfl.layers.Layer, ...inputs: readonly Value[]) => Value;

const { layers: keras } = tfl;

/** Momentum and epsilon of batch norm in every network. */
export const batchNorm = { momentum: 0.9, epsilon: 1e-3 } as const;

/** relu6(x + 3), the part that hard sigmoid and hard swish share. */
const clipped = (name: string, apply: Apply, x: Value): Value =>
  apply(
    keras.reLU({ name: `${name}_clip`, maxValue: 6 }),
    apply(keras.rescaling({ name: `${name}_shift`, scale: 1, offset: 3 }), x),
  );

const activationRules: { readonly [A in LayerActivation]: (name: string, apply: Apply, x: Value) => Value } = {
  relu: (name, apply, x) => apply(keras.reLU({ name }), x),
  relu6: (name, apply, x) => apply(keras.reLU({ name, maxValue: 6 }), x),
  swish: (name, apply, x) => apply(keras.activation({ name, activation: 'swish' }), x),
  hard_sigmoid: (name, apply, x) => apply(keras.rescaling({ name, scale: 1 / 6 }), clipped(name, apply, x)),
  hard_swish: (name, apply, x) =>
    apply(
      keras.multiply({ name }),
      x,
      apply(keras.rescaling({ name: `${name}_gate`, scale: 1 / 6 }), clipped(name, apply, x)),
    ),
};

const convolution = { padding: 'same', useBias: false } as const;
const zeroKernel = { kernelInitializer: 'zeros' } as const;

const rules: LayerTable<Value, [Apply, Value, Value]> = {
  input: ({ name, output }) => tfl.input({ name, shape: [...output] }),
  conv: ({ name, kernel, stride, output }, apply, x) =>
    apply(
      keras.conv2d({
        ...convolution,
        ...zeroKernel,
        name,
        filters: output[2],
        kernelSize: kernel,
        strides: stride,
      }),
      x,
    ),
  depthwise: ({ name, kernel, stride }, apply, x) =>
    apply(
      keras.depthwiseConv2d({
        ...convolution,
        depthwiseInitializer: 'zeros',
        name,
        kernelSize: kernel,
        strides: stride,
      }),
      x,
    ),
  batch_norm: ({ name }, apply, x) => apply(keras.batchNormalization({ name, ...batchNorm }), x),
  activation: ({ name, act }, apply, x) => activationRules[act](name, apply, x),
  global_pool: ({ name }, apply, x) => apply(keras.globalAveragePooling2d({ name }), x),
  dense: ({ name, output }, apply, x) => apply(keras.dense({ name, units: output[2], ...zeroKernel }), x),
  dropout: ({ name, rate }, apply, x) => apply(keras.dropout({ name, rate }), x),
  add: ({ name }, apply, x, y) => apply(keras.add({ name }), x, y),
  multiply: ({ name, output }, apply, x, vector) =>
    apply(
      keras.multiply({ name }),
      x,
      apply(keras.reshape({ name: `${name}_reshape`, targetShape: [1, 1, output[2]] }), vector),
    ),
};

export interface ModelOptions {
  /** Seed of the initial weights: the same network and seed give the same weights, bit for bit. */
  readonly seed: number;
  /** Name of the model; default `network`. */
  readonly name?: string;
}

/**
 * Builds a network as a TF.js layers model of standard Keras layers: images [batch, height, width, channels] in
 * float32, already normalised, to logits [batch, classes]. Names of layers are those of `layersOf`.
 *
 * Initial weights are He-normal (see `initialise`), biases 0, batch norm 1 and 0. The tensors live on the current TF.js
 * backend; free them with `model.dispose()`.
 */
export function toModel(network: Network, options: ModelOptions): tfl.LayersModel {
  const values: Value[] = [];
  for (const layer of layersOf(network)) {
    const applied: tfl.layers.Layer[] = [];
    const apply: Apply = (built, ...inputs) => {
      applied.push(built);
      const output = built.apply(inputs.length === 1 ? inputs[0] : [...inputs]);
      if (!(output instanceof tfl.SymbolicTensor)) throw new Error(`${built.name} did not give one symbolic tensor`);
      return output;
    };
    // A rule reads as many inputs as its kind has and never looks at the others.
    const [x, y] = layer.inputs.map((i) => values[i]);
    values.push(applyRule(rules, layer, apply, x, y));
    for (const built of applied) initialise(layer, built, options.seed);
  }
  return tfl.model({ name: options.name ?? 'network', inputs: values[0], outputs: values[values.length - 1] });
}
