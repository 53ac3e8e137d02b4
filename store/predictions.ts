import type { Connection } from './connection.js';
import { storedPrecisions, type StoredPrecision } from './precision.js';
import { finite } from './values.js';

/** A latency as it was predicted. */
export interface StoredPrediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** In [0, 1]. */
  readonly coverage: number;
}

/** Predictions for a network in each precision that there was a predictor for. */
export type StoredPredictions = Readonly<Partial<Record<StoredPrecision, StoredPrediction>>>;

/** The latencies that were predicted for trials when they were asked. */
export class Predictions {
  private readonly insertOne;
  private readonly select;

  constructor(private readonly connection: Connection) {
    this.insertOne = connection.prepare(
      `INSERT INTO predictions (trial, precision, ms, std, coverage)
       VALUES ($trial, $precision, $ms, $std, $coverage)`,
    );
    this.select = connection.prepare<StoredPrediction>(
      'SELECT ms, std, coverage FROM predictions WHERE trial = $trial AND precision = $precision',
    );
  }

  /** Writes predictions; part of a caller's transaction. */
  insert(trial: number, predictions: StoredPredictions): void {
    const what = `of trial ${trial}`;
    for (const precision of storedPrecisions) {
      const prediction = predictions[precision];
      if (prediction === undefined) continue;
      this.insertOne.run({
        trial,
        precision,
        ms: finite(prediction.ms, `predicted latency ${what}`),
        std: finite(prediction.std, `predicted latency's error ${what}`),
        coverage: finite(prediction.coverage, `predicted latency's coverage ${what}`),
      });
    }
  }

  of(trial: number, precision: StoredPrecision): StoredPrediction | undefined {
    return this.connection.read(() => this.select.get({ trial, precision }));
  }
}
