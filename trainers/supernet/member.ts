import type { Model, Weights } from '../../spaces/models/index.js';
import { calibrateBatchNorm } from '../batch-norm.js';
import { withDataset, type Dataset } from '../data/index.js';
import { activateBackend, chooseEngine, type EngineChoice } from '../engines/index.js';
import { evaluateSplit, networkInference } from '../evaluate.js';
import type { Scores } from '../../base/scores.js';
import { formOf } from '../image-form.js';
import { readInitial } from '../weights.js';
import type { MemberJob } from '../jobs.js';

export interface MemberHooks {
  /** Awaited before every batch; a rejection ends the job. */
  readonly between?: (() => Promise<void> | void) | undefined;
}

/** Evaluation of a member on the validation split. */
export interface MemberEvaluation extends Scores {
  /** The member's calibrated weights, by the network's own names. */
  readonly weights: Weights;
}

/**
 * A member's part of the shared weights, with batch norm calibrated on training images.
 * @throws NasError `failure` when the file does not hold the space's shared weights
 */
export async function calibratedMember(job: MemberJob): Promise<Weights> {
  const engine = await activeEngine(job);
  return withDataset(job.dataset, async (dataset) => (await calibrated(job, dataset, engine, {})).weights);
}

/** `calibratedMember`, and the accuracy of the weights on the validation split. */
export async function evaluateMember(job: MemberJob, hooks: MemberHooks = {}): Promise<MemberEvaluation> {
  const engine = await activeEngine(job);
  return withDataset(job.dataset, async (dataset) => {
    const model = await calibrated(job, dataset, engine, hooks);
    const { network, weights } = model;
    const inference = await networkInference(model, engine, job.threads);
    try {
      const classify = async (images: Float32Array, size: number): Promise<Float32Array> => {
        await hooks.between?.();
        return inference.run(images, [size, ...network.input]);
      };
      return {
        ...(await evaluateSplit(classify, dataset, 'validation', job.batch, formOf(network))),
        weights,
      };
    } finally {
      await inference.close();
    }
  });
}

async function activeEngine({ engine }: MemberJob): Promise<EngineChoice> {
  const choice = await chooseEngine(engine);
  await activateBackend();
  return choice;
}

async function calibrated(
  { member, weights: file, threads, ...images }: MemberJob,
  dataset: Dataset,
  engine: EngineChoice,
  { between }: MemberHooks,
): Promise<Model> {
  const { network, places } = member;
  const model = { network, weights: readInitial(network, images.seed, { file, places }) };
  return { network, weights: await calibrateBatchNorm(model, { ...images, dataset }, { engine, threads, between }) };
}
