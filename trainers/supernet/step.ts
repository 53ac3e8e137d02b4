import { isSameForm } from '../data/index.js';
import type { SingleStep } from '../engines/engine.js';
import type { EngineBatch, StepMetrics } from '../engines/index.js';
import type { Network } from '../../spaces/index.js';
import { formOf } from '../image-form.js';
import type { SupernetSpec } from './program.js';
import type { Trainee } from './sandwich.js';

/** The input of a member in a step. */
export interface MemberBatch extends EngineBatch {
  /** The largest network's logits and their share in the loss; null for the largest network, and without soft labels. */
  readonly answers: { readonly logits: Float32Array; readonly share: number } | null;
}

/** The parts of a sandwich step that depend on the engine. */
export interface StepParts {
  /** Adds a member's gradients to the sums. */
  gradients(
    trainee: Trainee,
    batch: MemberBatch,
    step: number,
  ): Promise<StepMetrics & { readonly logits: Float32Array }>;
  update(learningRate: number, step: number): Promise<void>;
}

/** A batch in the form that a network takes. */
function batchFor(network: Network, largest: Network, batch: EngineBatch): EngineBatch {
  const form = formOf(network);
  if (isSameForm(form, formOf(largest))) return batch;
  const found = batch.others?.find((other) => isSameForm(other.form, form));
  if (found === undefined) throw new Error(`the batch has no images of ${form.size.join(' x ')}`);
  return { ...batch, images: found.images, labels: found.labels };
}

/**
 * The step of a supernet: the gradients of all members for one batch, then one update. It returns the metrics of the largest
 * network. Where a member's loss is not finite, it returns that loss.
 */
export function sandwichStep(
  { sandwich, softLabels }: Pick<SupernetSpec, 'sandwich' | 'softLabels'>,
  parts: StepParts,
): SingleStep {
  return async ({ batch, learningRate }, step) => {
    const [largest, ...others] = sandwich.at(step);
    const run = (trainee: Trainee, answers: MemberBatch['answers']) => {
      const own = batchFor(trainee.member.network, sandwich.largest.network, batch);
      return parts.gradients(trainee, { ...own, answers }, step);
    };
    const { logits, loss, correct } = await run(largest, null);
    const answers = softLabels === null ? null : { logits, share: softLabels(step) };
    const losses = [loss];
    for (const trainee of others) losses.push((await run(trainee, answers)).loss);
    await parts.update(learningRate, step);
    return { loss: losses.find((each) => !Number.isFinite(each)) ?? loss, correct };
  };
}
