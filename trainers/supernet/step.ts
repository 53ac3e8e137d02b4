import { isSameForm } from '../data/index.js';
import type { SingleStep } from '../engines/engine.js';
import type { EngineBatch, StepMetrics } from '../engines/index.js';
import type { Network } from '../../spaces/index.js';
import { formOf } from '../image-form.js';
import type { SupernetSpec } from './program.js';
import type { Trainee } from './sandwich.js';

/** The parts of a sandwich step that depend on the engine. */
export interface StepParts {
  /** Adds a member's gradients to the sums. */
  gradients(trainee: Trainee, batch: EngineBatch, step: number): Promise<StepMetrics>;
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
export function sandwichStep({ sandwich }: Pick<SupernetSpec, 'sandwich'>, parts: StepParts): SingleStep {
  return async ({ batch, learningRate }, step) => {
    const [largest, ...others] = sandwich.at(step);
    const run = (trainee: Trainee) =>
      parts.gradients(trainee, batchFor(trainee.member.network, sandwich.largest.network, batch), step);
    const { loss, correct } = await run(largest);
    const losses = [loss];
    for (const trainee of others) losses.push((await run(trainee)).loss);
    await parts.update(learningRate, step);
    return { loss: losses.find((each) => !Number.isFinite(each)) ?? loss, correct };
  };
}
