import { invalidInput, messageOf } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { outputKind, type OutputKind } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { batchThatPays } from '../scheduler/service-time.js';
import type { Model } from '../models/model.js';
import type { PixelLayout } from './pixel-layout.js';
import { valueCount } from './inputs.js';
import type { Runner } from './runner.js';
import type { BatchTimes, Input } from './pool.js';

/** Batch times and output kind of a model on this machine. */
export interface Calibration {
  readonly times: BatchTimes;
  readonly outputs: OutputKind;
}

/** A batch size is measured for at least this many runs and this many ms. */
const enough = { runs: 7, ms: 40 };

/** Number of images whose outputs decide between logits and probabilities where the graph does not. */
const probeImages = 4;

/**
 * Runs a model on noise. Measures the median times of batches of 1, 2, 4, ..., up to the largest batch that is worth its
 * latency, and finds the kind of the outputs where the graph does not tell.
 *
 * @param network index in the runner
 * @param layout layout of inputs of pixels
 * @param known batch times of an earlier measurement, used instead of a new one
 * @throws NasError `invalid-input` when the model fails, or its outputs have another size than it says
 */
export async function calibrate(
  runner: Runner,
  network: number,
  model: Model,
  { layout, maxBatch, known }: { readonly layout: PixelLayout; readonly maxBatch: number; readonly known?: BatchTimes },
): Promise<Calibration> {
  const inputs = noise(model, layout, Math.max(maxBatch, 1));
  try {
    const { outputs } = await runner.run(network, inputs.slice(0, probeImages));
    const kind = model.kind ?? outputKind[model.task](outputs, model.classes.length);
    return { outputs: kind, times: known ?? (await measure(runner, network, inputs)) };
  } catch (cause) {
    throw invalidInput(`the model '${model.name}' cannot be used: ${messageOf(cause)}`, { cause });
  }
}

async function measure(runner: Runner, network: number, inputs: readonly Input[]): Promise<BatchTimes> {
  const times = new Map<number, number>();
  for (let batch = 1; batch <= inputs.length; batch *= 2) {
    const images = inputs.slice(0, batch);
    // The first run of a size allocates memory.
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

function noise(model: Model, { bytes }: PixelLayout, count: number): Input[] {
  const random = new Random(0, 'calibration');
  const image =
    model.normalisation === null
      ? (): Input => ({
          kind: 'values',
          data: Float32Array.from({ length: valueCount(model.size) }, () => random.normal()),
        })
      : (): Input => ({ kind: 'pixels', data: Uint8Array.from({ length: bytes }, () => random.int(256)) });
  const images = Array.from({ length: Math.min(probeImages, count) }, image);
  return Array.from({ length: count }, (_, i) => images[i % images.length]);
}
