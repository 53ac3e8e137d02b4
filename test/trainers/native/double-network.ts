import {
  applyRule,
  type Layer,
  type LayerActivation,
  type LayerOf,
  type LayerTable,
  type Network,
  paddingAlong,
  layersOf,
  type Windowed,
} from '../../../spaces/index.js';
import { type Weights, weightsOfLayer } from '../../../spaces/models/weights.js';
import { product } from '../../../base/statistics.js';

/** Values with their gradients, of a map [images][height][width][channels] or of a weight. */
interface Value {
  readonly data: Float64Array;
  readonly gradient: Float64Array;
}

/** What a layer's rule works on: it writes `output`, and returns what adds to the gradients of its inputs and weights. */
interface Step {
  readonly images: number;
  readonly weights: readonly Value[];
  readonly output: Value;
}
type Backward = () => void;

const valueOf = (data: ArrayLike<number>): Value => ({
  data: Float64Array.from(data),
  gradient: new Float64Array(data.length),
});

/** Calls `visit` for each product of a window: pixel of the input, pixel of the output, place in the kernel. */
function eachProduct(layer: Windowed, images: number, visit: (from: number, to: number, place: number) => void): void {
  const { kernel, stride, input, output } = layer;
  const [top, left] = [paddingAlong(layer, 0)[0], paddingAlong(layer, 1)[0]];
  for (let n = 0; n < images; n++)
    for (let to = 0; to < output[0] * output[1]; to++)
      for (let place = 0; place < kernel * kernel; place++) {
        const y = Math.floor(to / output[1]) * stride + Math.floor(place / kernel) - top;
        const x = (to % output[1]) * stride + (place % kernel) - left;
        if (y < 0 || y >= input[0] || x < 0 || x >= input[1]) continue;
        visit((n * input[0] + y) * input[1] + x, n * output[0] * output[1] + to, place);
      }
}

const clipped = (u: number): number => Math.min(6, Math.max(0, u));
const sigmoid = (u: number): number => 1 / (1 + Math.exp(-u));
const inside = (u: number, low: number, high: number): number => (u > low && u < high ? 1 : 0);

interface Act {
  readonly value: (u: number) => number;
  readonly slope: (u: number) => number;
  /** Where the slope jumps. */
  readonly kinks: readonly number[];
}
const acts: { readonly [A in LayerActivation]: Act } = {
  relu: { value: (u) => Math.max(0, u), slope: (u) => inside(u, 0, Infinity), kinks: [0] },
  relu6: { value: clipped, slope: (u) => inside(u, 0, 6), kinks: [0, 6] },
  swish: { value: (u) => u * sigmoid(u), slope: (u) => sigmoid(u) * (1 + u * (1 - sigmoid(u))), kinks: [] },
  sigmoid: { value: sigmoid, slope: (u) => sigmoid(u) * (1 - sigmoid(u)), kinks: [] },
  hard_sigmoid: { value: (u) => clipped(u + 3) / 6, slope: (u) => inside(u, -3, 3) / 6, kinks: [-3, 3] },
  hard_swish: {
    value: (u) => (u * clipped(u + 3)) / 6,
    slope: (u) => (clipped(u + 3) + u * inside(u, -3, 3)) / 6,
    kinks: [-3, 3],
  },
};

function convolution(layer: LayerOf<'conv'>, { images, weights, output }: Step, x: Value): Backward {
  const [from, to] = [layer.input[2], layer.output[2]];
  const [own, made] = [from / weights.length, to / weights.length];
  const each = (visit: (a: number, b: number, w: number, kernel: Value) => void): void =>
    eachProduct(layer, images, (input, result, place) => {
      for (const [g, kernel] of weights.entries())
        for (let i = 0; i < own; i++)
          visit(input * from + g * own + i, result * to + g * made, (place * own + i) * made, kernel);
    });
  each((a, b, w, kernel) => {
    for (let o = 0; o < made; o++) output.data[b + o] += x.data[a] * kernel.data[w + o];
  });
  return () => {
    each((a, b, w, kernel) => {
      let sum = 0;
      for (let o = 0; o < made; o++) {
        sum += output.gradient[b + o] * kernel.data[w + o];
        kernel.gradient[w + o] += output.gradient[b + o] * x.data[a];
      }
      x.gradient[a] += sum;
    });
  };
}

function depthwise(layer: LayerOf<'depthwise'>, { images, weights: [kernel], output }: Step, x: Value): Backward {
  const channels = layer.input[2];
  const each = (visit: (a: number, b: number, w: number) => void): void =>
    eachProduct(layer, images, (input, result, place) => {
      for (let c = 0; c < channels; c++) visit(input * channels + c, result * channels + c, place * channels + c);
    });
  each((a, b, w) => (output.data[b] += x.data[a] * kernel.data[w]));
  return () => {
    each((a, b, w) => {
      x.gradient[a] += output.gradient[b] * kernel.data[w];
      kernel.gradient[w] += output.gradient[b] * x.data[a];
    });
  };
}

function averagePool(layer: LayerOf<'avg_pool'>, { images, output }: Step, x: Value): Backward {
  const channels = layer.input[2];
  const counts = new Float64Array(output.data.length / channels);
  eachProduct(layer, images, (_, to) => counts[to]++);
  const each = (visit: (a: number, b: number, share: number) => void): void =>
    eachProduct(layer, images, (from, to) => {
      for (let c = 0; c < channels; c++) visit(from * channels + c, to * channels + c, 1 / counts[to]);
    });
  each((a, b, share) => (output.data[b] += x.data[a] * share));
  return () => {
    each((a, b, share) => (x.gradient[a] += output.gradient[b] * share));
  };
}

function maxPool(layer: LayerOf<'max_pool'>, { images, output }: Step, x: Value): Backward {
  const channels = layer.input[2];
  const sources = new Int32Array(output.data.length);
  output.data.fill(-Infinity);
  eachProduct(layer, images, (from, to) => {
    for (let c = 0; c < channels; c++) {
      const [a, b] = [from * channels + c, to * channels + c];
      if (x.data[a] <= output.data[b]) continue;
      output.data[b] = x.data[a];
      sources[b] = a;
    }
  });
  return () => {
    for (const [b, a] of sources.entries()) x.gradient[a] += output.gradient[b];
  };
}

/** Mean and variance of each channel. */
interface Statistics {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

function batchStatistics(data: Float64Array, channels: number): Statistics {
  const [mean, variance] = [new Float64Array(channels), new Float64Array(channels)];
  const count = data.length / channels;
  for (let i = 0; i < data.length; i++) mean[i % channels] += data[i] / count;
  for (let i = 0; i < data.length; i++) variance[i % channels] += (data[i] - mean[i % channels]) ** 2 / count;
  return { mean, variance };
}

function batchNorm(layer: LayerOf<'batch_norm'>, { weights, output }: Step, x: Value): Backward {
  const channels = layer.output[2];
  const count = x.data.length / channels;
  const [gamma, beta] = weights;
  const { mean, variance } = batchStatistics(x.data, channels);
  const inverse = variance.map((value) => 1 / Math.sqrt(value + Math.fround(layer.epsilon)));
  const normed = x.data.map((value, i) => (value - mean[i % channels]) * inverse[i % channels]);
  for (let i = 0; i < normed.length; i++)
    output.data[i] = normed[i] * gamma.data[i % channels] + beta.data[i % channels];
  return () => {
    for (let i = 0; i < normed.length; i++) {
      gamma.gradient[i % channels] += output.gradient[i] * normed[i];
      beta.gradient[i % channels] += output.gradient[i];
    }
    for (let i = 0; i < normed.length; i++) {
      const c = i % channels;
      const centred = output.gradient[i] - (beta.gradient[c] + normed[i] * gamma.gradient[c]) / count;
      x.gradient[i] += gamma.data[c] * inverse[c] * centred;
    }
  };
}

function dense(layer: LayerOf<'dense'>, { images, weights: [kernel, bias], output }: Step, x: Value): Backward {
  const [from, to] = [layer.input[2], layer.output[2]];
  const each = (visit: (a: number, b: number, w: number) => void): void => {
    for (let n = 0; n < images; n++)
      for (let i = 0; i < from; i++) for (let o = 0; o < to; o++) visit(n * from + i, n * to + o, i * to + o);
  };
  for (let i = 0; i < output.data.length; i++) output.data[i] = bias.data[i % to];
  each((a, b, w) => (output.data[b] += x.data[a] * kernel.data[w]));
  return () => {
    for (let i = 0; i < output.data.length; i++) bias.gradient[i % to] += output.gradient[i];
    each((a, b, w) => {
      x.gradient[a] += output.gradient[b] * kernel.data[w];
      kernel.gradient[w] += output.gradient[b] * x.data[a];
    });
  };
}

/** A layer whose outputs are sums of factors times inputs: `each` lists them, and its calls do not change. */
function linear(each: (visit: (from: number, to: number, factor: number) => void) => void) {
  return ({ output }: Step, x: Value): Backward => {
    each((from, to, factor) => (output.data[to] += x.data[from] * factor));
    return () => {
      each((from, to, factor) => (x.gradient[from] += output.gradient[to] * factor));
    };
  };
}

const rules: LayerTable<Backward, [Step, Value, Value]> = {
  input: (_layer, { output }, x) => {
    output.data.set(x.data);
    return () => undefined;
  },
  conv: convolution,
  depthwise,
  batch_norm: batchNorm,
  activation: ({ act }, { output }, x) => {
    const { value, slope } = acts[act];
    for (let i = 0; i < x.data.length; i++) output.data[i] = value(x.data[i]);
    return () => {
      for (let i = 0; i < x.data.length; i++) x.gradient[i] += output.gradient[i] * slope(x.data[i]);
    };
  },
  avg_pool: averagePool,
  max_pool: maxPool,
  global_pool: ({ input: [height, width, channels] }, step, x) =>
    linear((visit) => {
      const pixels = height * width;
      for (let i = 0; i < x.data.length; i++)
        visit(i, Math.floor(i / channels / pixels) * channels + (i % channels), 1 / pixels);
    })(step, x),
  dense,
  dropout: () => {
    throw new Error('networks are compared without dropout');
  },
  add: (_layer, { output }, x, y) => {
    for (let i = 0; i < x.data.length; i++) output.data[i] = x.data[i] + y.data[i];
    return () => {
      for (const to of [x, y]) for (let i = 0; i < x.data.length; i++) to.gradient[i] += output.gradient[i];
    };
  },
  multiply: ({ output: [height, width, channels] }, { output }, x, y) => {
    const gate = (i: number): number => Math.floor(i / channels / height / width) * channels + (i % channels);
    for (let i = 0; i < x.data.length; i++) output.data[i] = x.data[i] * y.data[gate(i)];
    return () => {
      for (let i = 0; i < x.data.length; i++) {
        x.gradient[i] += output.gradient[i] * y.data[gate(i)];
        y.gradient[gate(i)] += output.gradient[i] * x.data[i];
      }
    };
  },
  zero: (_layer, _step) => () => undefined,
  upsample: ({ input, output: [height, width, channels] }, step, x) =>
    linear((visit) => {
      for (let i = 0; i < step.output.data.length; i++) {
        const [pixel, c] = [Math.floor(i / channels), i % channels];
        const [column, row, image] = [
          pixel % width,
          Math.floor(pixel / width) % height,
          Math.floor(pixel / width / height),
        ];
        visit(((image * input[0] + (row >> 1)) * input[1] + (column >> 1)) * channels + c, i, 1);
      }
    })(step, x),
  detections: (layer, { images, weights, output }, x) => {
    const [classes, boxes] = [weights.slice(0, 2), weights.slice(2)];
    const [rows, columns, all] = layer.output;
    const pixels = images * rows * columns;
    let first = 0;
    const parts = [classes, ...(boxes.length === 0 ? [] : [boxes])].map((own) => {
      const to = own[1].data.length;
      const [from, part] = [first, valueOf(new Float64Array(pixels * to))];
      first += to;
      const shape = { ...layer, kind: 'dense' as const, output: [1, 1, to] as const };
      const backward = dense(shape, { images: pixels, weights: own, output: part }, x);
      const at = (i: number): number => Math.floor(i / to) * all + from + (i % to);
      for (let i = 0; i < part.data.length; i++) output.data[at(i)] = part.data[i];
      return () => {
        for (let i = 0; i < part.data.length; i++) part.gradient[i] = output.gradient[at(i)];
        backward();
      };
    });
    return () => {
      for (const backward of parts) backward();
    };
  },
};

/** What a training step computes, in float64. */
export interface DoubleStep {
  /** [images][classes]. */
  readonly logits: Float64Array;
  /** Of each trained weight. */
  readonly gradients: ReadonlyMap<string, Float64Array>;
  /** The batch's statistics by weight name: `stem_bn/moving_mean`. */
  readonly statistics: ReadonlyMap<string, Float64Array>;
  /** The weights, of which some biases have moved: no value is near a kink of its activation. */
  readonly weights: Weights;
}

/** No argument of an activation is nearer to a kink: errors of float32 do not move it to the other side. */
const margin = 3e-4;

/** A network's training step by plain loops in float64, with weights that keep values away from kinks. */
class DoubleNetwork {
  private readonly layers: readonly Layer[];
  private readonly values: readonly Value[];
  private readonly weights: ReadonlyMap<string, Value>;
  private readonly backwards: Backward[] = [];

  constructor(
    network: Network,
    private readonly given: Weights,
    private readonly images: Value,
    private readonly batch: number,
  ) {
    this.layers = layersOf(network);
    this.values = this.layers.map(({ output }) => valueOf(new Float64Array(batch * product(output))));
    this.weights = new Map([...given].map(([name, { data }]) => [name, valueOf(data)]));
  }

  forward(): Float64Array {
    for (let i = 0, moves = 0; i < this.layers.length; i++) {
      this.evaluate(i);
      const moved = this.moveFromKinks(i, 0.0137 * (1 + moves * 0.031));
      if (moved === null) continue;
      if (++moves > 1000) throw new Error('values stay near kinks');
      i = moved - 1;
    }
    return this.values[this.layers.length - 1].data;
  }

  step(logitGradients: Float64Array): DoubleStep {
    this.values[this.layers.length - 1].gradient.set(logitGradients);
    for (const backward of this.backwards.toReversed()) backward();
    const trained = this.layers.flatMap(weightsOfLayer).filter(({ trainable }) => trainable);
    const statistics = this.layers.flatMap(({ kind, name, inputs, output }) => {
      if (kind !== 'batch_norm') return [];
      const { mean, variance } = batchStatistics(this.values[inputs[0]].data, output[2]);
      return [[`${name}/moving_mean`, mean] as const, [`${name}/moving_variance`, variance] as const];
    });
    return {
      logits: this.values[this.layers.length - 1].data,
      gradients: new Map(trained.map(({ name }) => [name, this.weight(name).gradient])),
      statistics: new Map(statistics),
      weights: new Map(
        [...this.given].map(([name, { shape }]) => [name, { shape, data: Float32Array.from(this.weight(name).data) }]),
      ),
    };
  }

  private weight(name: string): Value {
    const weight = this.weights.get(name);
    if (weight === undefined) throw new Error(`there is no value for ${name}`);
    return weight;
  }

  private evaluate(i: number): void {
    const layer = this.layers[i];
    const [x = this.images, y = x] = layer.inputs.map((j) => this.values[j]);
    const trained = weightsOfLayer(layer).filter(({ trainable }) => trainable);
    const output = this.values[i];
    output.data.fill(0);
    const step: Step = { images: this.batch, weights: trained.map(({ name }) => this.weight(name)), output };
    this.backwards[i] = applyRule(rules, layer, step, x, y);
  }

  /**
   * Moves biases by multiples of `step` if values before activation `i` are near its kinks. Returns the layer with the biases,
   * else null. Two activations may have the same biases: with other steps each time, both come away.
   */
  private moveFromKinks(i: number, step: number): number | null {
    const layer = this.layers[i];
    if (layer.kind !== 'activation' || acts[layer.act].kinks.length === 0) return null;
    const source = this.biasOf(layer.inputs[0]);
    if (source === null) return null;
    const { kinks } = acts[layer.act];
    const u = this.values[layer.inputs[0]].data;
    const channels = layer.output[2];
    const distance = (c: number, shift: number): number => {
      let least = Infinity;
      for (let p = c; p < u.length; p += channels)
        for (const kink of kinks) least = Math.min(least, Math.abs(u[p] + shift - kink));
      return least;
    };
    let hasMoved = false;
    for (let c = 0; c < channels; c++) {
      if (distance(c, 0) >= margin) continue;
      const shifts = Array.from({ length: 40 }, (_, k) => (k % 2 === 0 ? 1 : -1) * step * (1 + (k >> 1)));
      const best = shifts.reduce((a, b) => (distance(c, b) > distance(c, a) ? b : a));
      source.bias.data[c] = Math.fround(source.bias.data[c] + best);
      hasMoved = true;
    }
    return hasMoved ? source.position : null;
  }

  /** What moves all values of a channel of layer `i` by the same; null: nothing does. */
  private biasOf(i: number): { readonly bias: Value; readonly position: number } | null {
    const { kind, name, inputs } = this.layers[i];
    if (kind === 'batch_norm') return { bias: this.weight(`${name}/beta`), position: i };
    if (kind === 'dense') return { bias: this.weight(`${name}/bias`), position: i };
    return kind === 'add' || kind === 'avg_pool' ? this.biasOf(inputs[0]) : null;
  }
}

/**
 * A training step in float64.
 * @param images [batch][height][width][channels]
 * @param lossGradient the gradient of the loss at the logits
 */
export function doubleStep(
  network: Network,
  weights: Weights,
  images: Float32Array,
  lossGradient: (logits: Float64Array) => Float64Array,
): DoubleStep {
  const own = new DoubleNetwork(network, weights, valueOf(images), images.length / product(network.input));
  return own.step(lossGradient(own.forward()));
}
