import type { ImageSize } from '../data/index.js';
import type { SingleStep } from '../engines/engine.js';
import type { EngineBatch, StepMetrics } from '../engines/index.js';
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

/** The images of a batch in the size of a network. */
function imagesFor([height, width]: ImageSize, largest: ImageSize, { images, others = [] }: EngineBatch): Float32Array {
  if (height === largest[0] && width === largest[1]) return images;
  const found = others.find(({ size }) => size[0] === height && size[1] === width);
  if (found === undefined) throw new Error(`the batch has no images of ${height} x ${width}`);
  return found.images;
}

/**
 * The step of a supernet: the gradients of all members for one batch, then one update. It returns the metrics of the largest
 * network. Where a member's loss is not finite, it returns that loss.
 */
export function sandwichStep(
  { sandwich, softLabels }: Pick<SupernetSpec, 'sandwich' | 'softLabels'>,
  parts: StepParts,
): SingleStep {
  const { input } = sandwich.largest.network;
  return async ({ batch, learningRate }, step) => {
    const [largest, ...others] = sandwich.at(step);
    const run = (trainee: Trainee, answers: MemberBatch['answers']) =>
      parts.gradients(
        trainee,
        { ...batch, images: imagesFor(trainee.member.network.input, input, batch), answers },
        step,
      );
    const { logits, loss, correct } = await run(largest, null);
    const answers = softLabels === null ? null : { logits, share: softLabels(step) };
    const losses = [loss];
    for (const trainee of others) losses.push((await run(trainee, answers)).loss);
    await parts.update(learningRate, step);
    return { loss: losses.find((each) => !Number.isFinite(each)) ?? loss, correct };
  };
}
