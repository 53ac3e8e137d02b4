import * as tf from '@tensorflow/tfjs-core';
import type { MeasurableNetwork } from '../latency-models/index.js';
import { choicesOf, type Genotype, type Space } from '../spaces/index.js';
import { candidateOnnx } from './runner/jobs/candidate-model.js';

/** A network of a space as something to measure, with random weights: latency does not depend on them. */
export function untrainedSubject(space: Space, genotype: Genotype, seed: number): MeasurableNetwork {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const network = space.build(genotype);
  return { model: () => candidateOnnx({ network, seed }), choices: choicesOf(space.decisions, genotype) };
}
