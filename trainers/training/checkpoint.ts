import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Details } from '../../base/scores.js';
import type { EngineKind, EngineState } from '../engines/index.js';
import type { EpochMetrics } from '../jobs.js';
import { CorruptFile, readTensorFile, writeTensorFile } from '../tensor-file.js';

/** The position of a training; together with the engine's state it determines the next step. */
export interface TrainingPosition {
  readonly epoch: number;
  /** Completed steps of this epoch; all steps when only the validation is missing. */
  readonly step: number;
  /** Sums over those steps, in float64: loss x images, scores of the images, images. */
  readonly sums: { readonly loss: number; readonly correct: number; readonly images: number };
  /** Time spent on this epoch so far. */
  readonly seconds: number;
  /** Finished epochs. */
  readonly curve: readonly EpochMetrics[];
  /** Of the last validation; null before it. */
  readonly details: Details | null;
}

export const startPosition: TrainingPosition = {
  epoch: 0,
  step: 0,
  sums: { loss: 0, correct: 0, images: 0 },
  seconds: 0,
  curve: [],
  details: null,
};

/** The validations of a complete training: each epoch, and the details of the last. */
export interface Validations {
  readonly curve: readonly EpochMetrics[];
  readonly details: Details;
}

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
    if (!this.wrote(meta)) return null;
    return { position: meta.position, engine: meta.engine, state: tensors };
  }

  writeBest(validations: Validations, weights: EngineState): void {
    writeTensorFile(this.best, { job: this.job, ...validations }, weights);
  }

  /** The weights of the best epoch so far, with the details of its validation. @throws CorruptFile when there is none */
  readBest(): { readonly weights: EngineState; readonly details: Validations['details'] } {
    if (!existsSync(this.best)) throw new CorruptFile(this.best, 'there is no such file');
    const { meta, tensors } = readTensorFile(this.best);
    if (!this.wrote(meta)) throw new CorruptFile(this.best, 'it holds no weights of this training');
    return { weights: tensors, details: meta.details };
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
    const { meta } = readTensorFile(this.weights);
    return this.wrote(meta) ? { curve: meta.curve, details: meta.details } : null;
  }

  /** Whether a file is of this job, as its checksum says that it was written; a checkpoint has other facts than weights. */
  private wrote(meta: unknown): meta is Validations & Omit<Checkpoint, 'state'> {
    return typeof meta === 'object' && meta !== null && 'job' in meta && meta.job === this.job;
  }
}
