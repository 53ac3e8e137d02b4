import { invalidInput, messageOf } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { outputKind, type OutputKind } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { batchThatPays } from '../scheduler/batch-that-pays.js';
import type { ImageSize, Model } from '../models/model.js';
import { valueCount } from './image-size.js';
import type { Runner } from './runner.js';
import type { BatchTimes, Input } from './types.js';

/** What was found out about a model on this machine. */
export interface Calibration {
  readonly times: BatchTimes;
  readonly outputs: OutputKind;
}

/** Of one batch size: at least as many runs, and at least as long. */
const enough = { runs: 7, ms: 40 };

/** Images whose outputs show whether they are probabilities. */
const shown = 4;

/**
 * Runs a model on images of noise: how its outputs are to be read, and the median time of a batch of 1, 2, 4, ... until a
 * larger one does not pay.
 *
 * @param network its index in the runner
 * @param size of images as pixels; null: it takes none
 * @param known what its batches took earlier: these are not measured again
 * @throws NasError `invalid-input` when the model fails, or gives something other than a number for each class
 */
export async function calibrate(
  runner: Runner,
  network: number,
  model: Model,
  {
    size,
    maxBatch,
    known,
  }: { readonly size: ImageSize | null; readonly maxBatch: number; readonly known?: BatchTimes },
): Promise<Calibration> {
  const inputs = noise(model, size, Math.max(maxBatch, 1));
  try {
    const { outputs } = await runner.run(network, inputs.slice(0, shown));
    const kind = outputKind(outputs, model.classes.length);
    return { outputs: kind, times: known ?? (await measure(runner, network, inputs)) };
  } catch (cause) {
    throw invalidInput(`the model '${model.name}' cannot be used: ${messageOf(cause)}`, { cause });
  }
}

async function measure(runner: Runner, network: number, inputs: readonly Input[]): Promise<BatchTimes> {
  const times = new Map<number, number>();
  for (let batch = 1; batch <= inputs.length; batch *= 2) {
    const images = inputs.slice(0, batch);
    // The first run of a size makes room for it.
    await runner.run(network, images);
    const runs: number[] = [];
    for (let total = 0; runs.length < enough.runs || total < enough.ms;) {
      const { ms } = await runner.run(network, images);
      runs.push(ms);
      total += ms;
    }
    times.set(batch, runs.toSorted((a, b) => a - b)[runs.length >> 1]);
    if (batchThatPays(times, { most: inputs.length }) < batch) break;
  }
  return times;
}

function noise(model: Model, size: ImageSize | null, count: number): Input[] {
  const random = new Random(0, 'calibration');
  const image =
    size === null || model.normalisation === null
      ? (): Input => ({
          kind: 'values',
          data: Float32Array.from({ length: valueCount(model.size) }, () => random.normal()),
        })
      : (): Input => ({ kind: 'pixels', data: Uint8Array.from({ length: valueCount(size) }, () => random.int(256)) });
  const images = Array.from({ length: Math.min(shown, count) }, image);
  return Array.from({ length: count }, (_, i) => images[i % images.length]);
}
