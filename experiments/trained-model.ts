import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../base/errors.js';
import type { ModelMetadata } from '../deploy/index.js';
import { createSpace, type Network, type Task } from '../spaces/index.js';
import type { Model } from '../spaces/models/index.js';
import type { Store } from '../store/index.js';
import { describeDataset, prepareDataset } from '../trainers/index.js';
import { accuracyAmong } from './measures.js';
import { candidateModel } from './runner/jobs/candidate-model.js';
import { trainingExperimentOf } from './training-run.js';
import { modelMetadata } from './runner/finishing/metadata.js';
import { trialFolder, weightsFile } from './runner/workdir.js';

/** A trial's network with its trained weights, and what it says of itself. */
export interface TrainedModel {
  readonly model: Model;
  readonly metadata: ModelMetadata;
}

/**
 * The network of a trial with the weights of its final training, or those of the search when there was none.
 * @throws NasError `invalid-input` when the trial does not exist or has no weights, or the run has no networks.
 */
export async function trainedModel(store: Store, workdir: string, number: number): Promise<TrainedModel> {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const trial = store.trials.get(number);
  if (trial === undefined)
    throw invalidInput(`${workdir} has no trial ${number}`, { hint: `nas trials ${workdir} lists them.` });
  const experiment = trainingExperimentOf(store, workdir);
  const final = store.finals.all().find((record) => record.trial === number);
  const stages = ['final', 'search'] as const;
  const weights = stages
    .map((stage) => join(workdir, trialFolder(stage, number), weightsFile))
    .find((path) => existsSync(path));
  if (weights === undefined) {
    const why = experiment.evaluate === undefined ? `it is ${trial.state}` : `${experiment.evaluate.path} evaluated it`;
    throw invalidInput(`trial ${number} of ${workdir} has no trained weights: ${why}`, {
      hint:
        experiment.evaluate === undefined ? 'Choose a complete trial.' : 'What that module trained, it keeps itself.',
    });
  }
  // Stored by the runner when the trial was asked.
  const network = store.networks.get(trial.genotypeId) as Network;
  const data = describeDataset(await prepareDataset(experiment.data));
  const task: Task = { input: [data.height, data.width, data.channels], classes: data.classes.length };
  const space = await createSpace(experiment.space, task);
  const metadata = modelMetadata({ experiment, data, space }, trial, network, store.measurements.of(number).at(-1));
  const searched = accuracyAmong(trial.values)?.value ?? null;
  const validation = final?.accuracy ?? searched;
  const test = final?.testAccuracy ?? null;
  const accuracy = { ...(validation !== null && { validation }), ...(test !== null && { test }) };
  return { model: candidateModel({ network, seed: trial.seed, weights }), metadata: { ...metadata, accuracy } };
}
