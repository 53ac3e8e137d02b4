import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import type { MeasurableNetwork } from '../../latency-models/index.js';
import { choicesOf, type Genotype, type Network, type Space } from '../../spaces/index.js';
import type { Store } from '../../store/index.js';
import { trainingExperimentOf } from '../schema/run-experiment.js';
import { candidateOnnx } from '../runner/jobs/run-job.js';
import { quantizeForTiming } from '../../deploy/index.js';

/**
 * The network of a trial as something to measure, whatever its state: latency does not depend on the weights.
 * @throws NasError `invalid-input` when there is no such trial.
 */
export function trialSubject(store: Store, workdir: string, number: number): MeasurableNetwork {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const trial = store.trials.get(number);
  if (trial === undefined)
    throw invalidInput(`${workdir} has no trial ${number}`, { hint: `nas trials ${workdir} lists them.` });
  trainingExperimentOf(store, workdir);
  // Stored by the runner when the trial was asked.
  const network = store.networks.get(trial.genotypeId) as Network;
  return { model: () => candidateOnnx({ network, seed: trial.seed }), choices: trial.choices };
}

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
