import { boundsOf, hardSigmoidOf, type OnnxNode, type Scope } from '../../compiler/index.js';
import type { LayerActivation } from '../../spaces/index.js';

export type Scalar = (x: number) => number;

export const identity: Scalar = (x) => x;
const clip =
  (low: number, high: number): Scalar =>
  (x) =>
    Math.min(high, Math.max(low, x));
const sigmoid: Scalar = (x) => 1 / (1 + Math.exp(-x));
const hardSigmoid: Scalar = (x) => clip(0, 6)(x + 3) / 6;

const activations: { readonly [A in LayerActivation]: Scalar } = {
  relu: clip(0, Infinity),
  relu6: clip(0, 6),
  hard_swish: (x) => x * hardSigmoid(x),
  swish: (x) => x * sigmoid(x),
  sigmoid,
  hard_sigmoid: hardSigmoid,
};

/** Arguments that tell the activations apart. */
const probes = Array.from({ length: 41 }, (_, i) => (i - 20) * 0.47);
export const agree = (a: Scalar, b: Scalar): boolean => probes.every((x) => Math.abs(a(x) - b(x)) < 1e-5);
export const known = Object.entries(activations) as [LayerActivation, Scalar][];

/** The function of an operator with one operand; null for other operators. */
export function functionOf(node: OnnxNode, scope: Scope): Scalar | null {
  const bounds = boundsOf(scope, node);
  if (bounds !== undefined) return clip(...bounds);
  const { alpha, beta } = hardSigmoidOf(node);
  if (node.op === 'HardSigmoid') return (x) => clip(0, 1)(alpha * x + beta);
  return node.op === 'Sigmoid' ? sigmoid : node.op === 'HardSwish' ? activations.hard_swish : null;
}
