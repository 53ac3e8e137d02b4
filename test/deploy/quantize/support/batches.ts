import type { CalibrationBatch } from '../../../../deploy/quantize/calibrate.js';

/** Images that are in memory, as calibration reads them. */
export const inMemory = (...batches: readonly CalibrationBatch[]) =>
  async function* (): AsyncGenerator<CalibrationBatch> {
    yield* await Promise.resolve(batches);
  };
