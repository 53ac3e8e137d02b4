import * as tf from '@tensorflow/tfjs-core';
import { quantizeForTiming } from '../deploy/index.js';
import type { MeasurableNetwork } from '../latency-models/index.js';
import { choicesOf, type Genotype, type Space } from '../spaces/index.js';
import { candidateOnnx } from './runner/jobs/run-job.js';

/** How a network is to be computed. */
type SubjectPrecision = 'fp32' | 'int8';

const stored: { readonly [P in SubjectPrecision]: (model: Uint8Array) => Uint8Array } = {
  fp32: (model) => model,
  int8: (model) => quantizeForTiming(model, 'the network'),
};

/**
 * A network of a space as something to measure, with random weights: latency does not depend on them, nor on the ranges
 * that bytes stand for.
 */
export function untrainedSubject(
  space: Space,
  genotype: Genotype,
  seed: number,
  precision: SubjectPrecision = 'fp32',
): MeasurableNetwork {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const network = space.build(genotype);
  return {
    model: () => stored[precision](candidateOnnx({ network, seed })),
    choices: choicesOf(space.decisions, genotype),
  };
}
