import type { CalibrationBatch } from '../../../../deploy/quantize/calibrate.js';

/** Batches in memory, in the form that calibration reads. */
export const inMemory = (...batches: readonly CalibrationBatch[]) =>
  async function* (): AsyncGenerator<CalibrationBatch> {
    yield* await Promise.resolve(batches);
  };
