import { invalidInput } from '../../base/errors.js';
import type { MeasurableNetwork } from '../../latency-models/index.js';
import { choicesOf, type Genotype, type Network, type Space } from '../../spaces/index.js';
import type { Store, StoredPrecision } from '../../store/index.js';
import { candidateOnnx, timedOnnx } from '../jobs/candidate-model.js';
import { isTableExperiment } from '../../experiments/schema/run-experiment.js';
import { experimentOf } from '../stored/experiment.js';

/**
 * The network of a trial for latency measurements, with random weights.
 * @throws NasError `invalid-input` when there is no such trial.
 */
export function trialSubject(store: Store, workdir: string, number: number): MeasurableNetwork {
  const trial = store.trials.get(number);
  if (trial === undefined)
    throw invalidInput(`${workdir} has no trial ${number}`, { hint: `nas trials ${workdir} lists them.` });
  if (isTableExperiment(experimentOf(store)))
    throw invalidInput(`${workdir}: the run is on a table of results and has no networks`);
  const network = store.networks.get(trial.genotypeId) as Network;
  return { model: () => candidateOnnx({ network, seed: trial.seed }), choices: trial.choices };
}

/** A network of a space for latency measurements, with random weights and quantization ranges. */
export function untrainedSubject(
  space: Space,
  genotype: Genotype,
  seed: number,
  precision: StoredPrecision = 'fp32',
): MeasurableNetwork {
  const network = space.build(genotype);
  return {
    model: () => timedOnnx({ network, seed }, precision),
    choices: choicesOf(space.decisions, genotype),
  };
}
