import type { OutputKind } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import { renderInput } from '../../inference/pixel-layout.js';
import { type Answer, type InferencePool, NotAnswered } from '../../inference/pool.js';
import { BadImage, type Decoder } from '../../images/decoder.js';
import type { RequestTrace } from '../tracing.js';
import type { ClassifyRequest } from './request.js';

interface Ranked {
  readonly index: number;
  /** In [0, 1]. */
  readonly probability: number;
}

/** Unnormalised probability of an output, given the largest output. */
const weightOf: { readonly [K in OutputKind]: (output: number, largest: number) => number } = {
  logits: (output, largest) => Math.exp(output - largest),
  probabilities: (output) => output,
};

/**
 * The most likely classes of an image in descending order, equal ones by index, without sorting all classes.
 * @param outputs [classes]; probabilities are returned unchanged
 * @param count at least 1; capped at the number of classes
 * @throws NotAnswered `failed` when an output is not finite
 */
export function mostLikely(outputs: Float32Array, kind: OutputKind, count: number): readonly Ranked[] {
  if (!outputs.every(Number.isFinite))
    throw new NotAnswered('failed', 'the network returned values that are not finite');
  const best = largest(outputs, count);
  const weight = (index: number): number => weightOf[kind](outputs[index], outputs[best[0]]);
  const total = kind === 'probabilities' ? 1 : outputs.reduce((sum, _, index) => sum + weight(index), 0);
  return best.map((index) => ({ index, probability: weight(index) / total }));
}

/** Indices of the largest values, in descending order of value. */
function largest(values: Float32Array, count: number): readonly number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (best.length === count && values[index] <= values[best[count - 1]]) continue;
    let at = Math.min(best.length, count - 1);
    for (; at > 0 && values[best[at - 1]] < values[index]; at--) best[at] = best[at - 1];
    best[at] = index;
  }
  return best;
}

interface Result {
  /** Most likely first. */
  readonly top: readonly { readonly class: string; readonly probability: number }[];
  readonly network: string;
  /** Accuracy of that network in [0, 1]; null: unknown. */
  readonly accuracy: number | null;
  readonly ms: { readonly queued: number; readonly computed: number };
  readonly batch: number;
}

interface Parts {
  readonly decoder: Decoder;
  readonly pool: InferencePool;
  readonly trace: RequestTrace | null;
}

/**
 * Classifies all files, in their order, or none. An image is computed as soon as it is decoded; after the first failure, the
 * remaining images are dropped.
 * @throws BadImage or NotAnswered: the first failure
 */
export async function resultsOf(
  files: readonly Uint8Array[],
  { top, renderings, run }: ClassifyRequest,
  { decoder, pool, trace }: Parts,
): Promise<readonly Result[]> {
  const failures: unknown[] = [];
  const isGone = (): boolean => failures.length > 0 || run.isGone();
  const results = files.map(async (file, i): Promise<Result[]> => {
    try {
      const came = performance.now();
      const data = await renderInput(pool.layout, renderings, (rendering) =>
        decoder.decode(file, { rendering, deadline: run.deadline, isGone }),
      );
      trace?.decoded(came, file.length);
      const answers = await pool.run([{ kind: 'pixels', data }], { ...run, isGone });
      for (const answer of answers) trace?.answered(answer);
      return answers.map((answer) => resultOf(answer, pool, top));
    } catch (error) {
      failures.push(files.length === 1 ? error : numbered(error, i + 1, files.length));
      return [];
    }
  });
  // Waits also after a failure: the pool must stay open until all images have ended.
  const all = (await Promise.all(results)).flat();
  if (failures.length > 0) throw failures[0];
  return all;
}

const numbered = (error: unknown, number: number, of: number): unknown =>
  error instanceof BadImage ? new BadImage(error.status, `image ${number} of ${of}: ${error.message}`) : error;

const round = (ms: number): number => Math.round(ms * 1e3) / 1e3;

function resultOf({ model, outputs, batch, queuedMs, computedMs }: Answer, pool: InferencePool, top: number): Result {
  const kind = pool.models.find((pooled) => pooled.model === model)?.outputs ?? 'logits';
  return {
    top: mostLikely(outputs, kind, top).map(({ index, probability }) => ({ class: model.classes[index], probability })),
    network: model.name,
    accuracy: model.accuracy,
    ms: { queued: round(queuedMs), computed: round(computedMs) },
    batch,
  };
}
