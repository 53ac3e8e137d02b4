import type { FormedImages } from '../data/batches.js';
import type { StateTensor } from '../tensor-file.js';

/** One batch for an engine. */
export interface EngineBatch {
  /** [batch, height, width, channels], normalised. */
  readonly images: Float32Array;
  /** The same views in other forms, for the members of a supernet. */
  readonly others?: readonly FormedImages[];
  /** Targets [batch, outputs]: soft labels, or scaled numbers; of a detector [batch, rows, columns, 5]. */
  readonly labels: Float32Array;
  /** The teacher's outputs [batch, outputs]; null when the loss needs none. */
  readonly teacher: Float32Array | null;
}

/** The input of one update. */
export interface Update {
  readonly batch: EngineBatch;
  readonly learningRate: number;
}

export interface StepMetrics {
  /** Mean loss of the batch before the update. */
  readonly loss: number;
  /** Number of correctly classified images before the update; for other tasks, the sum of the images' scores. */
  readonly correct: number;
}

/** Everything that training changes, by a name that is the same in every process and engine. */
export type EngineState = ReadonlyMap<string, StateTensor>;

/** Engines of one kind give the same bits on one machine. */
export type EngineKind = 'compiled' | 'native';

/** Runs the training steps of one program. All engines hold the same states: a state of one continues in another. */
export interface TrainingEngine {
  readonly kind: EngineKind;
  /** For people, for example `compiled (onnxruntime cpu)`. */
  readonly name: string;
  /** Why another engine than the chosen one trains; absent: it is the chosen one. */
  readonly instead?: string;
  /** Recommended number of updates in a call of `train`; above 1 where each call transfers all states. */
  readonly stepsAtOnce: number;
  /**
   * Updates in sequence: forward, loss, backward, optimizer, batch norm statistics, moving average. The results do not
   * depend on the number of updates in a call.
   * @param step of the first update, from 0 over all epochs: the counter of the dropout noise
   * @returns the metrics of each update
   */
  train(updates: readonly Update[], step: number): Promise<StepMetrics[]>;
  /**
   * Outputs [size, outputs], of a detector [size, rows, columns, classes + 4], in inference mode, with the moving average of the weights if there is one.
   * @param images [size, height, width, channels], any size
   */
  evaluate(images: Float32Array, size: number): Promise<Float32Array>;
  /** A copy: weights and statistics (`model/`), their average (`average/`), `optimizer/`, `loss_scaling/`. */
  state(): Promise<EngineState>;
  /** Restores a state from `state`. @throws Error when names or shapes differ */
  load(state: EngineState): Promise<void>;
  /** Frees memory; the engine cannot be used afterwards. */
  dispose(): Promise<void>;
}

/** One update, numbered as in `TrainingEngine.train`. */
export type SingleStep = (update: Update, step: number) => Promise<StepMetrics>;

/** `train` of an engine that makes one update at a time. */
export const oneByOne = (single: SingleStep): Pick<TrainingEngine, 'stepsAtOnce' | 'train'> => ({
  stepsAtOnce: 1,
  async train(updates, step) {
    const metrics: StepMetrics[] = [];
    for (const [i, update] of updates.entries()) metrics.push(await single(update, step + i));
    return metrics;
  },
});
