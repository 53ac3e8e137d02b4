import { createResizer, type ImageSize } from '../data/index.js';
import type { SingleStep } from '../engines/engine.js';
import type { EngineBatch, StepMetrics } from '../engines/index.js';
import type { Trainee } from './sandwich.js';
import type { SupernetSpec } from './program.js';

/** What a member learns from in a step. */
export interface MemberBatch extends EngineBatch {
  /** The largest network's logits and their share in the loss; null for the largest, and where they have none. */
  readonly answers: { readonly logits: Float32Array; readonly share: number } | null;
}

/** The parts of a sandwich step, which each engine runs in its way. */
export interface StepParts {
  /** Adds a member's gradients to the sums. */
  gradients(
    trainee: Trainee,
    batch: MemberBatch,
    step: number,
  ): Promise<StepMetrics & { readonly logits: Float32Array }>;
  update(learningRate: number, step: number): Promise<void>;
}

/** The images of a batch in the sizes that networks take, each as a loader of that size gives them. */
function sizesOf(source: ImageSize): (images: Float32Array) => (to: ImageSize) => Float32Array {
  const resizers = new Map<string, (images: Float32Array) => Float32Array>();
  return (images) => {
    const sized = new Map<string, Float32Array>();
    return (to) => {
      const key = to.join('x');
      const resize = resizers.get(key) ?? createResizer(source, to);
      resizers.set(key, resize);
      const own = sized.get(key) ?? resize(images);
      sized.set(key, own);
      return own;
    };
  };
}

/**
 * The step of a supernet: the gradients of all its members for one batch, one update. Its metrics are those of the largest;
 * the loss is another member's only where that is no number.
 * @param source height, width and channels of the images that a step is given
 */
export function sandwichStep(
  { sandwich, softLabels }: Pick<SupernetSpec, 'sandwich' | 'softLabels'>,
  source: ImageSize,
  parts: StepParts,
): SingleStep {
  const sizes = sizesOf(source);
  return async ({ batch, learningRate }, step) => {
    const imagesOf = sizes(batch.images);
    const [largest, ...others] = sandwich.at(step);
    const run = (trainee: Trainee, answers: MemberBatch['answers']) =>
      parts.gradients(trainee, { ...batch, images: imagesOf(trainee.member.network.input), answers }, step);
    const { logits, loss, correct } = await run(largest, null);
    const answers = softLabels === null ? null : { logits, share: softLabels(step) };
    const losses = [loss];
    for (const trainee of others) losses.push((await run(trainee, answers)).loss);
    await parts.update(learningRate, step);
    return { loss: losses.find((each) => !Number.isFinite(each)) ?? loss, correct };
  };
}
