import type { StateTensor } from '../tensor-file.js';

/** One batch as an engine takes it. */
export interface EngineBatch {
  /** [batch, height, width, channels], normalised. */
  readonly images: Float32Array;
  /** Soft labels [batch, classes]. */
  readonly labels: Float32Array;
  /** The teacher's logits [batch, classes]; null when the loss needs none. */
  readonly teacher: Float32Array | null;
}

/** One update that is asked for. */
export interface Update {
  readonly batch: EngineBatch;
  readonly learningRate: number;
}

export interface StepMetrics {
  /** The loss, mean over the batch, before the update. */
  readonly loss: number;
  /** How many images of the batch the student got right before the update. */
  readonly correct: number;
  /** Whether the gradients of a scaled loss were not finite although its scale was down to 1: no later step will do better. */
  readonly overflow?: boolean;
}

/** Everything that training changes, by a name that is the same in every process and for every engine. */
export type EngineState = ReadonlyMap<string, StateTensor>;

/**
 * Runs the training step of one network. All engines run the same TF.js program and hold the same states, so a state
 * saved by one continues in another.
 */
export interface TrainingEngine {
  /** What runs the step, e.g. `compiled (onnxruntime cpu)`. */
  readonly name: string;
  /** How many updates a call of `train` should ask for; more than 1 where each call moves all states. */
  readonly stepsAtOnce: number;
  /**
   * Updates, one after the other: forward, loss, backward, optimizer, batch norm statistics, moving average. What they
   * come to does not depend on how many are asked for at once.
   * @param step of the first update, counted from 0 over all epochs: the counter of the dropout noise, not a state of the
   *   engine
   * @returns the metrics of each update
   */
  train(updates: readonly Update[], step: number): Promise<StepMetrics[]>;
  /**
   * Logits [size, classes] in inference mode, of the moving average of the weights when there is one.
   * @param images [size, height, width, channels], any size
   */
  evaluate(images: Float32Array, size: number): Promise<Float32Array>;
  /** A copy: weights and batch norm statistics (`model/`), their average (`average/`), `optimizer/`, `adapter/`, `loss_scaling/`. */
  state(): Promise<EngineState>;
  /** Takes up a state that `state` gave; @throws Error when names or shapes differ. */
  load(state: EngineState): Promise<void>;
  /** Frees memory. The engine cannot be used any more. */
  dispose(): Promise<void>;
}

/** One update, numbered as those of `TrainingEngine.train`. */
export type SingleStep = (update: Update, step: number) => Promise<StepMetrics>;

/** The training of engines that make one update a call. */
export const oneByOne = (single: SingleStep): Pick<TrainingEngine, 'stepsAtOnce' | 'train'> => ({
  stepsAtOnce: 1,
  async train(updates, step) {
    const metrics: StepMetrics[] = [];
    for (const [i, update] of updates.entries()) metrics.push(await single(update, step + i));
    return metrics;
  },
});
