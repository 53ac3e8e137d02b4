import { float } from '../../graph/index.js';
import type { Rewrite, Writer } from './writer.js';

/** x - max - log(sum(exp(x - max))), along one axis. */
export const logSoftmax: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const axis = [w.intOf('axis', -1)];
  const lower = w.emit('Sub', [x, w.reduce('ReduceMax', x, axis, true)]);
  return [w.emit('Sub', [lower, w.emit('Log', [w.reduce('ReduceSum', w.emit('Exp', [lower]), axis, true)])])];
};

/** To the nearest whole number, of two that are as near to the even one. */
export const rounding: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const low = w.emit('Floor', [x]);
  const rest = w.emit('Sub', [x, low]);
  const half = w.emit('Floor', [w.emit('Mul', [low, w.number(0.5)])]);
  const odd = w.emit('Sub', [low, w.emit('Add', [half, half])]);
  const above = w.cast(w.emit('Greater', [rest, w.number(0.5)]), 'float32');
  const up = w.emit('Where', [w.emit('Equal', [rest, w.number(0.5)]), odd, above]);
  return [w.emit('Add', [low, up])];
};

/** scale * elu(x), with the constants of Klambauer et al. 2017 as ONNX has them. */
export const scaledExponential: Rewrite = (w) => {
  const exponential = w.emit('Elu', [w.node.inputs[0]], { alpha: float(1.67326319217681884765625) });
  return [w.emit('Mul', [exponential, w.number(1.05070102214813232421875)])];
};

/** x * sigmoid(alpha * x) */
export const swish: Rewrite = (w) => {
  const [x] = w.node.inputs;
  return [w.emit('Mul', [x, w.emit('Sigmoid', [w.emit('Mul', [x, w.number(w.floatOf('alpha', 1.702))])])])];
};

/** atan(x / sqrt((1 - x)(1 + x))): at 1 and -1, of infinities. */
function arcSineOf(w: Writer): string {
  const [x] = w.node.inputs;
  const one = w.number(1);
  const cosine = w.emit('Sqrt', [w.emit('Mul', [w.emit('Sub', [one, x]), w.emit('Add', [one, x])])]);
  return w.emit('Atan', [w.emit('Div', [x, cosine])]);
}
export const arcSine: Rewrite = (w) => [arcSineOf(w)];
export const arcCosine: Rewrite = (w) => [w.emit('Sub', [w.number(Math.PI / 2), arcSineOf(w)])];

const halfOf = (w: Writer, x: string): string => w.emit('Mul', [x, w.number(0.5)]);

/** (e^x + e^-x) / 2, or the difference. */
const hyperbolic =
  (op: 'Add' | 'Sub'): Rewrite =>
  (w) => {
    const [x] = w.node.inputs;
    const [up, down] = [x, w.emit('Neg', [x])].map((exponent) => w.emit('Exp', [exponent]));
    return [halfOf(w, w.emit(op, [up, down]))];
  };
export const hyperbolicCosine = hyperbolic('Add');
export const hyperbolicSine = hyperbolic('Sub');

/** log(x + sqrt(x^2 - 1)) */
export const inverseHyperbolicCosine: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const root = w.emit('Sqrt', [w.emit('Sub', [w.emit('Mul', [x, x]), w.number(1)])]);
  return [w.emit('Log', [w.emit('Add', [x, root])])];
};

/** sign(x) * log(|x| + sqrt(x^2 + 1)): without differences of large numbers. */
export const inverseHyperbolicSine: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const root = w.emit('Sqrt', [w.emit('Add', [w.emit('Mul', [x, x]), w.number(1)])]);
  return [w.emit('Mul', [w.emit('Sign', [x]), w.emit('Log', [w.emit('Add', [w.emit('Abs', [x]), root])])])];
};

/** log((1 + x) / (1 - x)) / 2 */
export const inverseHyperbolicTangent: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const [above, below] = (['Add', 'Sub'] as const).map((op) => w.emit(op, [w.number(1), x]));
  return [halfOf(w, w.emit('Log', [w.emit('Div', [above, below])]))];
};

export const tangent: Rewrite = (w) => {
  const [x] = w.node.inputs;
  return [w.emit('Div', [w.emit('Sin', [x]), w.emit('Cos', [x])])];
};
