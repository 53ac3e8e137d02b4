import { boxTasks } from '../../base/task.js';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Details } from '../../base/scores.js';
import type { EngineKind, EngineState } from '../engines/index.js';
import { CorruptFile, readTensorFile, writeTensorFile } from '../tensor-file.js';

const count = z.number().int().min(0);

const curveSchema = z.array(
  z.object({
    epoch: count,
    train_loss: z.number(),
    train_accuracy: z.number(),
    validation_loss: z.number(),
    validation_accuracy: z.number(),
    learning_rate: z.number(),
    seconds: z.number(),
    // Older files have none.
    metrics: z.record(z.string(), z.number()).optional(),
  }),
);

const ratio = z.number().nullable();

const detailsSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('classification'),
    confusion: z.array(z.array(count).readonly()).readonly(),
    calibrationError: z.number(),
  }),
  z.object({
    type: z.literal('multi-label'),
    labels: z
      .array(z.object({ count, precision: ratio, recall: ratio, f1: ratio, averagePrecision: ratio }))
      .readonly(),
  }),
  z.object({
    type: z.literal('regression'),
    numbers: z.array(z.object({ mae: z.number(), rmse: z.number(), r2: z.number() })).readonly(),
  }),
  z.object({
    type: z.enum(boxTasks),
    classes: z
      .array(
        z.object({
          boxes: count,
          ap50: ratio.optional(),
          ap: ratio.optional(),
          precision: ratio,
          recall: ratio,
          f1: ratio,
          threshold: z.number(),
        }),
      )
      .readonly(),
    sizes: z.object({ small: ratio, medium: ratio, large: ratio }).optional(),
    sides: z.array(z.object({ from: z.number(), to: z.number().nullable(), boxes: count, recall: ratio })).readonly(),
  }),
  z.object({
    type: z.literal('segmentation'),
    confusion: z.array(z.array(count).readonly()).readonly(),
    classes: z
      .array(
        z.object({
          pixels: count,
          iou: ratio,
          precision: ratio,
          recall: ratio,
          errors: z.object({ iou: z.number() }),
        }),
      )
      .readonly(),
    errors: z.object({ score: z.number(), worst_iou: z.number(), pixel_accuracy: z.number() }),
  }),
]) satisfies z.ZodType<Details>;

const positionSchema = z.object({
  epoch: count,
  /** Completed steps of this epoch; all steps when only the validation is missing. */
  step: count,
  /** Sums over those steps, in float64: loss x images, scores of the images, images. */
  sums: z.object({ loss: z.number(), correct: z.number(), images: count }),
  /** Time spent on this epoch so far. */
  seconds: z.number(),
  /** Finished epochs. */
  curve: curveSchema,
});

/** The position of a training; together with the engine's state it determines the next step. */
export type TrainingPosition = z.output<typeof positionSchema>;

export const startPosition: TrainingPosition = {
  epoch: 0,
  step: 0,
  sums: { loss: 0, correct: 0, images: 0 },
  seconds: 0,
  curve: [],
};

const checkpointMeta = z.object({
  job: z.string(),
  position: positionSchema,
  // Earlier versions, which had no native engine, do not write it.
  engine: z.enum(['compiled', 'native']).default('compiled'),
});
const weightsMeta = z.object({ job: z.string(), curve: curveSchema, details: detailsSchema.optional() });

/** The validations of a complete training: each epoch, and the details of the last (absent in older files). */
export type Validations = Omit<z.output<typeof weightsMeta>, 'job'>;

/** The state of an interrupted training. */
export interface Checkpoint {
  readonly position: TrainingPosition;
  readonly state: EngineState;
  /** The engine that trained it: the training goes on with it, where it works. */
  readonly engine: EngineKind;
}

/** The files of one training; `job` is a hash of everything that determines its result. */
export class TrainingFiles {
  readonly checkpoint: string;
  readonly weights: string;
  /** Weights of the best epoch so far. */
  readonly best: string;

  constructor(
    directory: string,
    private readonly job: string,
  ) {
    this.checkpoint = join(directory, 'checkpoint.bin');
    this.weights = join(directory, 'weights.bin');
    this.best = join(directory, 'best.bin');
  }

  writeCheckpoint({ position, state, engine }: Checkpoint): void {
    writeTensorFile(this.checkpoint, { job: this.job, position, engine }, state);
  }

  /**
   * The checkpoint of this job; null when there is none, or one of another job.
   * @throws CorruptFile when the file is damaged
   */
  readCheckpoint(): Checkpoint | null {
    if (!existsSync(this.checkpoint)) return null;
    const { meta, tensors } = readTensorFile(this.checkpoint);
    const parsed = checkpointMeta.safeParse(meta);
    if (!parsed.success) throw new CorruptFile(this.checkpoint, 'it holds no training position');
    const { job, ...begun } = parsed.data;
    return job === this.job ? { ...begun, state: tensors } : null;
  }

  writeBest(validations: Validations, weights: EngineState): void {
    writeTensorFile(this.best, { job: this.job, ...validations }, weights);
  }

  /** The weights of the best epoch so far, with the details of its validation. @throws CorruptFile when there is none */
  readBest(): { readonly weights: EngineState; readonly details: Validations['details'] } {
    if (!existsSync(this.best)) throw new CorruptFile(this.best, 'there is no such file');
    const { meta, tensors } = readTensorFile(this.best);
    const parsed = weightsMeta.safeParse(meta);
    if (!parsed.success || parsed.data.job !== this.job)
      throw new CorruptFile(this.best, 'it holds no weights of this training');
    return { weights: tensors, details: parsed.data.details };
  }

  writeWeights(validations: Validations, weights: EngineState): void {
    writeTensorFile(this.weights, { job: this.job, ...validations }, weights);
  }

  /**
   * The validations of this job when its training is complete; otherwise null.
   * @throws CorruptFile when the file is damaged
   */
  readFinished(): Validations | null {
    if (!existsSync(this.weights)) return null;
    const parsed = weightsMeta.safeParse(readTensorFile(this.weights).meta);
    if (!parsed.success || parsed.data.job !== this.job) return null;
    const { curve, details } = parsed.data;
    return { curve, details };
  }
}
