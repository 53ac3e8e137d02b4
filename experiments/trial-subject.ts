import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../base/errors.js';
import type { MeasurableNetwork } from '../latency-models/index.js';
import type { Network } from '../spaces/index.js';
import type { Store } from '../store/index.js';
import { trainingExperimentOf } from './training-run.js';
import { candidateOnnx } from './runner/jobs/run-job.js';

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
