import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { quantizeForTiming } from '../../deploy/index.js';
import type { MeasurableNetwork } from '../../latency-models/index.js';
import { choicesOf, type Genotype, type Network, type Space } from '../../spaces/index.js';
import type { Store } from '../../store/index.js';
import { candidateOnnx } from '../jobs/candidate-model.js';
import { isTableExperiment } from '../../experiments/schema/run-experiment.js';
import { experimentOf } from '../stored/experiment.js';

/**
 * The network of a trial for latency measurements, with random weights.
 * @throws NasError `invalid-input` when there is no such trial.
 */
export function trialSubject(store: Store, workdir: string, number: number): MeasurableNetwork {
  // Suppresses the console message about TF.js's native package.
  tf.enableProdMode();
  const trial = store.trials.get(number);
  if (trial === undefined)
    throw invalidInput(`${workdir} has no trial ${number}`, { hint: `nas trials ${workdir} lists them.` });
  if (isTableExperiment(experimentOf(store)))
    throw invalidInput(`${workdir}: the run is on a table of results and has no networks`);
  const network = store.networks.get(trial.genotypeId) as Network;
  return { model: () => candidateOnnx({ network, seed: trial.seed }), choices: trial.choices };
}

type SubjectPrecision = 'fp32' | 'int8';

const stored: { readonly [P in SubjectPrecision]: (model: Uint8Array) => Uint8Array } = {
  fp32: (model) => model,
  int8: (model) => quantizeForTiming(model, 'the network'),
};

/** A network of a space for latency measurements, with random weights and quantization ranges. */
export function untrainedSubject(
  space: Space,
  genotype: Genotype,
  seed: number,
  precision: SubjectPrecision = 'fp32',
): MeasurableNetwork {
  // Suppresses the console message about TF.js's native package.
  tf.enableProdMode();
  const network = space.build(genotype);
  return {
    model: () => stored[precision](candidateOnnx({ network, seed })),
    choices: choicesOf(space.decisions, genotype),
  };
}
