import { trainingExperimentOf } from '../stored/experiment.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import type { ModelMetadata } from '../../deploy/index.js';
import { createSpace, type Genotype, type Network } from '../../spaces/index.js';
import type { Model, Weights } from '../../spaces/models/index.js';
import type { Store } from '../../store/index.js';
import { calibratedMember, describeDataset, renderingOf, spaceTask } from '../../trainers/index.js';
import { settleEngine, type RecordedEnvironment } from '../engine.js';
import { imagesOfRun } from '../inputs.js';
import { latencyFact, modelMetadata, weightsKind } from '../finishing/save.js';
import { memberJob, trainedSupernet } from '../trainings/supernet.js';
import { candidateModel } from '../jobs/candidate-model.js';
import { accuracyAmong } from '../../experiments/schema/measures.js';
import { withThresholds } from '../models/file-facts.js';
import { trialFolder, weightsFile } from '../stored/workdir.js';

/** A network with float32 weights and metadata. */
export interface TrainedModel {
  readonly model: Model;
  readonly metadata: ModelMetadata;
}

/** Weights of a network's slice of the supernet, with calibrated batch norm. */
const sliceWeights = (workdir: string, plan: Parameters<typeof memberJob>[0], genotype: Genotype): Promise<Weights> =>
  calibratedMember(memberJob(plan, trainedSupernet(workdir), genotype));

/**
 * The network of a trial with weights of its final training, or of the search without one. A slice of a supernet without
 * stored weights is calibrated now.
 * @throws NasError `invalid-input` when the trial does not exist or has no weights, or the run has no networks.
 */
export async function trainedModel(store: Store, workdir: string, number: number): Promise<TrainedModel> {
  // Suppresses the console message about TF.js's native package.
  tf.enableProdMode();
  const trial = store.trials.get(number);
  if (trial === undefined)
    throw invalidInput(`${workdir} has no trial ${number}`, { hint: `nas trials ${workdir} lists them.` });
  const experiment = trainingExperimentOf(store, workdir);
  const finals = store.finals.all().filter((record) => record.trial === number);
  // All precisions share one training.
  const training = finals.at(0);
  const final = finals.find(({ precision }) => precision === 'fp32');
  const stages = ['final', 'search'] as const;
  const weights = stages
    .map((stage) => join(workdir, trialFolder(stage, number), weightsFile))
    .find((path) => existsSync(path));
  const sliced = weights === undefined && experiment.search.evaluate === 'supernet' && trial.state === 'complete';
  if (weights === undefined && !sliced) {
    const why = experiment.evaluate === undefined ? `it is ${trial.state}` : `${experiment.evaluate.path} evaluated it`;
    throw invalidInput(`trial ${number} of ${workdir} has no trained weights: ${why}`, {
      hint: experiment.evaluate === undefined ? 'Choose a complete trial.' : 'The module keeps the weights itself.',
    });
  }
  const network = store.networks.get(trial.genotypeId) as Network;
  const renderings = [{ ...renderingOf(experiment.data), size: [network.input[0], network.input[1]] as const }];
  const dataset = await imagesOfRun(store, workdir, { renderings });
  const data = describeDataset(dataset);
  const task = spaceTask(data, data.task.type);
  const space = await createSpace(experiment.space, task);
  const measured = store.measurements.of(number).findLast(({ precision }) => precision === 'fp32');
  const found = store.classResults.of(number).findLast((one) => one.precision === 'fp32' && one.split === 'validation');
  const metadata = withThresholds(
    modelMetadata({ experiment, data, space }, trial, network, latencyFact(store, measured)),
    found?.details,
  );
  const own = trial.variants.find(({ precision }) => precision === 'fp32')?.values;
  const searched = accuracyAmong(own ?? trial.values)?.value ?? null;
  const validation = final?.accuracy ?? searched;
  const test = final?.testAccuracy ?? null;
  const accuracy = { ...(validation !== null && { validation }), ...(test !== null && { test }) };
  const sliceOfTrial = async (): Promise<Model> => {
    const before = store.run.get().environment as RecordedEnvironment;
    const engine = await settleEngine(experiment.engine, { before, acceptEnvironment: true, observe: () => undefined });
    const slice = await sliceWeights(workdir, { space, dataset, engine, threads: 1 }, trial.genotype);
    return { network, weights: slice };
  };
  const model = weights === undefined ? await sliceOfTrial() : candidateModel({ network, seed: trial.seed, weights });
  const kind = weightsKind(experiment, training?.state === 'complete' ? training : null);
  return { model, metadata: { ...metadata, precision: 'fp32', weights: kind, accuracy } };
}
