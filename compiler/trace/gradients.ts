import * as tf from '@tensorflow/tfjs-core';
import type { OwnKernel } from '../kernels/index.js';

/** Calls one of the compiler's own kernels. */
export const runOwn = (
  kernel: OwnKernel,
  inputs: tf.NamedTensorMap,
  attrs: tf.NamedAttrMap = {},
): tf.Tensor | tf.Tensor[] => tf.engine().runKernel(kernel, inputs, attrs);

export const runOwnOne = (kernel: OwnKernel, inputs: tf.NamedTensorMap, attrs?: tf.NamedAttrMap): tf.Tensor => {
  const result = runOwn(kernel, inputs, attrs);
  return Array.isArray(result) ? result[0] : result;
};

const single = (dy: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(dy) ? dy[0] : dy);

/** An activation's gradient as one kernel of its input and output. */
const fromInputAndOutput = (kernelName: string, gradient: OwnKernel): tf.GradConfig => ({
  kernelName,
  inputsToSave: ['x'],
  outputsToSave: [true],
  gradFunc: (dy, [x, y], attrs) => ({ x: () => runOwnOne(gradient, { dy: single(dy), x, y }, attrs) }),
});

/** The gradient of a sum or mean: dy broadcast over x. TF.js multiplies by an array of ones instead. */
const fromReduced = (kernelName: 'Sum' | 'Mean'): tf.GradConfig => ({
  kernelName,
  inputsToSave: ['x'],
  gradFunc: (dy, [x], attrs) => {
    const axes = tf.util.parseAxisParam(attrs['axis'] as number | number[], x.shape);
    const kept = x.shape.map((d, axis) => (axes.includes(axis) ? 1 : d));
    const each = (): tf.Tensor => tf.broadcastTo(tf.reshape(single(dy), kept), x.shape);
    const count = axes.reduce((product, axis) => product * x.shape[axis], 1);
    return { x: () => (kernelName === 'Sum' ? each() : tf.div(each(), count)) };
  },
});

/** Replace TF.js's own gradients while tracing. */
const shortGradients: readonly tf.GradConfig[] = [
  fromInputAndOutput('Relu', 'NasReluGrad'),
  fromInputAndOutput('Relu6', 'NasRelu6Grad'),
  fromInputAndOutput('ClipByValue', 'NasClipGrad'),
  fromInputAndOutput('Sigmoid', 'NasSigmoidGrad'),
  fromReduced('Sum'),
  fromReduced('Mean'),
];

const batchNormGradient: tf.GradConfig = {
  kernelName: 'NasBatchNorm',
  inputsToSave: ['x', 'gamma'],
  outputsToSave: [false, true, true],
  gradFunc: (dys, [x, gamma, mean, variance], attrs) => {
    // All three at once: the tape calls each closure in its own scope, which would dispose the siblings.
    const gradients = runOwn('NasBatchNormGrad', { x, dy: single(dys), gamma, mean, variance }, attrs);
    const [dx, dGamma, dBeta] = [gradients].flat();
    return { x: () => dx, gamma: () => dGamma, beta: () => dBeta };
  },
};

/** Gradients of the compiler's own kernels, registered while tracing. */
const ownGradients: readonly tf.GradConfig[] = [batchNormGradient];

/** Registers the gradients; the returned function restores TF.js's own. */
export function overrideGradients(): () => void {
  const before = shortGradients.map(({ kernelName }) => tf.getGradient(kernelName));
  for (const gradient of [...shortGradients, ...ownGradients]) tf.registerGradient(gradient);
  return () => {
    for (const gradient of before) tf.registerGradient(gradient);
    for (const { kernelName } of ownGradients) tf.unregisterGradient(kernelName);
  };
}
