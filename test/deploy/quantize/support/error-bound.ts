import { floatOf, GraphEditor, type OnnxGraph, type OnnxNode } from '../../../../compiler/index.js';
import {
  activationParameters,
  greatestWeight,
  type Ranges,
  type WeightBits,
} from '../../../../deploy/quantize/numbers.js';
import type { Plan } from '../../../../deploy/quantize/plan.js';

/** Bounds of the bytes of a tensor. */
interface Bytes {
  /** The largest error of a number read from them. */
  readonly error: number;
  /** The largest magnitude of the floats and of the numbers read from the bytes. */
  readonly most: number;
}

/** How errors add up: in the worst case, or as independent roundings. */
export interface Errors {
  /** Error of rounding to whole steps, in steps. */
  readonly half: number;
  readonly sum: (errors: Iterable<number>) => number;
}

/** Each rounding is half a step off (kernels compute it in float32), all in the same direction. */
export const worst: Errors = {
  half: 0.505,
  sum(errors) {
    let sum = 0;
    for (const error of errors) sum += Math.abs(error);
    return sum;
  },
};

/** Standard deviations: roundings are spread evenly over a step, and independent. */
export const statistical: Errors = {
  half: 1 / Math.sqrt(12),
  sum(errors) {
    let sum = 0;
    for (const error of errors) sum += error * error;
    return Math.sqrt(sum);
  },
};

/**
 * Largest difference between the results of a quantized and a float model on its calibration images (minmax): the errors of
 * all roundings, each as large as its scale allows, propagated through the network with the largest magnitude of each
 * activation. It only needs the plan and the ranges, so it is independent of the writer.
 */
export function errorBound(
  graph: OnnxGraph,
  plan: Plan,
  ranges: Ranges,
  bits: WeightBits,
  { half, sum }: Errors,
): number {
  const editor = new GraphEditor<string>(graph);
  const known = new Map<string, Bytes>();
  const stepOf = (name: string): { step: number; most: number } => {
    const scale = plan.scales.get(name);
    if (scale === undefined) throw new Error(`no scale: ${name}`);
    if (scale.kind === 'gate') return { step: 1 / 254, most: 255 / 254 };
    const [low, high] = ranges.range(scale.tensor);
    const range = [Math.max(low, scale.within[0]), Math.min(high, scale.within[1])] as const;
    const { scale: step } = activationParameters(range);
    return { step, most: Math.max(0, high, -range[0]) + step };
  };
  const of = (name: string): Bytes => {
    const own = plan.aliases.get(name) ?? name;
    const found = known.get(own);
    if (found !== undefined) return found;
    const { step, most } = stepOf(own);
    // Float inputs are rounded once.
    const made = { error: half * step, most };
    known.set(own, made);
    return made;
  };
  const put = (node: OnnxNode, error: number): void => {
    for (const name of node.outputs) {
      const { step, most } = stepOf(name);
      known.set(name, { error: sum([error, half * step]), most });
    }
  };
  const products = (node: OnnxNode): number => {
    const x = of(node.inputs[0]);
    const weights = editor.floats(node.inputs[1]) ?? new Float32Array();
    const [outputs] = editor.shapeOf(node.inputs[1]);
    const bias = editor.floats(node.inputs[2] ?? '');
    const inputScale = stepOf(plan.aliases.get(node.inputs[0]) ?? node.inputs[0]).step;
    const each = weights.length / outputs;
    let greatest = 0;
    for (let o = 0; o < outputs; o++) {
      const own = weights.subarray(o * each, (o + 1) * each);
      const shift = Math.abs(bias?.[o] ?? 0);
      const step =
        Math.max(...own.map(Math.abs), (shift / (inputScale * 2 ** 30)) * greatestWeight[bits]) / greatestWeight[bits];
      const byInput = sum(own) * x.error;
      const byWeights = sum(own.map(() => half * step * x.most));
      greatest = Math.max(greatest, sum([byInput, byWeights, half * step * inputScale, shift * 1e-6]));
    }
    return greatest;
  };
  for (const node of editor.nodes()) {
    const treatment = plan.treatments.get(node.outputs[0]);
    if (treatment === undefined) throw new Error(`float: ${node.op}`);
    const inputs = node.inputs.filter((name) => !editor.constant(name)).map(of);
    const [a, b = a] = inputs;
    // The largest byte is 255 / 254.
    const gate = (argument: number) => sum([argument * floatOf(node, 'alpha', 0.2), 1 / 254]);
    if (treatment === 'products') put(node, products(node));
    else if (treatment === 'scores') known.set(node.outputs[0], { error: products(node), most: Infinity });
    else if (treatment === 'moved') for (const name of node.outputs) known.set(name, a);
    else if (treatment === 'saturated') {
      if (node.op !== 'HardSigmoid') continue;
      // Its argument was rounded to the steps of the gate.
      known.set(node.inputs[0], { error: sum([gate(a.error), half / 254]), most: 1 });
    } else if (node.op === 'HardSigmoid') put(node, gate(a.error));
    else if (treatment === 'looked-up') put(node, a.error);
    else if (node.op === 'Add') put(node, sum(inputs.map(({ error }) => error)));
    else if (node.op === 'Mul') {
      // The error of swish below -8, where its argument is cut.
      put(node, sum([a.most * b.error, b.most * a.error, a.error * b.error, 0.0027]));
    } else if (node.op === 'Sigmoid') put(node, sum([a.error / 4, 0.0004]));
    else put(node, Math.max(...inputs.map(({ error }) => error)));
  }
  return Math.max(...graph.outputs.map(({ name }) => of(name).error));
}
