import { createSpace, inputSizes, sharedName } from '../../spaces/index.js';
import { sharedSpecs } from '../../spaces/models/index.js';
import { type ImageForm, isSameForm, withDataset } from '../data/index.js';
import { type EngineKind, openEngine } from '../engines/index.js';
import type { FitHooks, FitResult, SupernetJob } from '../jobs.js';
import { formOf } from '../image-form.js';
import { checkedLoss, outputRates, trainResumably, trainingHash } from '../training/fit.js';
import type { TrainingPlan } from '../training/training-loop.js';
import { initialHash } from '../weights.js';
import { readTensorFile } from '../tensor-file.js';
import { whitenedStem } from '../training/whitened-stem.js';
import { supernetEngines } from './engines.js';
import type { SupernetSpec } from './program.js';
import { createSandwich, type Sandwich, type Trainee } from './sandwich.js';
import type { SupernetConfig } from '../schema/supernet.js';

/** The forms of images that the trainees of a step take besides the largest network's, each once. */
function furtherForms([largest, ...others]: readonly Trainee[]): readonly ImageForm[] {
  const forms = [formOf(largest.member.network)];
  for (const { member } of others) {
    const form = formOf(member.network);
    if (!forms.some((known) => isSameForm(known, form))) forms.push(form);
  }
  return forms.slice(1);
}

/** The shares of the learning rate of shared weights. */
function sharedRates(sandwich: Sandwich, config: SupernetConfig): ReadonlyMap<string, number> {
  const networks = [sandwich.largest.network, ...sandwich.others()];
  const named = networks.flatMap((network) =>
    [...(outputRates(network, config) ?? [])].map(
      ([name, rate]) => [sharedName({ network, places: [] }, name), rate] as const,
    ),
  );
  return new Map(named);
}

/**
 * Trains the largest network of a space and its members together on shared weights, with files and resuming as in `fit`.
 * The curve is that of the largest network. The final weights are the shared ones, by shared name, and the largest
 * network's batch norm statistics; other members must be calibrated before use.
 *
 * @throws NasError `failure` when a loss is no longer a number; `invalid-input` when members of the space share no weights,
 *   when space, data, teacher and configuration do not fit together, or the engine does not work here
 */
export async function fitSupernet(job: SupernetJob, hooks: FitHooks): Promise<FitResult> {
  const { space: spaceConfig, task, seed, config, teacher, initial, threads, directory } = job;
  const space = await createSpace(spaceConfig, task);
  const sandwich = createSandwich(space, config, seed);
  const { input, classes } = sandwich.largest.network;
  return withDataset(job.dataset, (dataset) => {
    const loss = checkedLoss({ classes, channels: input[2] }, config, teacher, dataset);
    const others = (step: number): readonly ImageForm[] => furtherForms(sandwich.at(step));
    const form = formOf(sandwich.largest.network);
    const plan: TrainingPlan = { train: config, loss, teacher, seed, ...form, others, until: undefined };
    const shared = sharedSpecs(space);
    const rates = sharedRates(sandwich, config);
    const spec = (): SupernetSpec => ({
      sandwich,
      shared,
      stem: config.stem === 'whitened' ? whitenedStem(dataset, input, shared) : undefined,
      initial: initial === undefined ? undefined : readTensorFile(initial).tensors,
      seed,
      loss,
      optimizer: config.optimizer,
      rates,
      ema: config.ema,
    });
    const engine = (begun?: EngineKind) =>
      openEngine(job.engine, { spec, ...supernetEngines }, { threads, batch: config.batch, begun });
    // The calibration of members happens after the training.
    const hash = trainingHash(
      ['supernet', spaceConfig, task, initialHash(initial === undefined ? undefined : { file: initial }), ...rates],
      { ...plan, train: { ...config, calibration: 0 } as typeof config },
      dataset.hashAt(inputSizes(space, task), loss.unlabelled),
    );
    return trainResumably({ plan, directory, hash, engine }, dataset, hooks);
  });
}
