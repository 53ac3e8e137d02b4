import type { Decoder } from '../../images/types.js';
import { BadImage } from '../../images/types.js';
import type { InferencePool } from '../../inference/pool.js';
import type { Answer } from '../../inference/types.js';
import type { RequestTrace } from '../tracing/request-trace.js';
import { mostLikely } from './most-likely.js';
import type { Question } from './question.js';

/** What is told of one image. */
export interface Result {
  /** The likeliest first. */
  readonly top: readonly { readonly class: string; readonly probability: number }[];
  /** Which one answered. */
  readonly network: string;
  /** Of that network, in [0, 1]; null: not known. */
  readonly accuracy: number | null;
  readonly ms: { readonly queued: number; readonly computed: number };
  /** Images that were computed together. */
  readonly batch: number;
}

interface Parts {
  readonly decoder: Decoder;
  readonly pool: InferencePool;
  readonly trace: RequestTrace | null;
}

/**
 * Results in the order of the files, all of them or none: an image is computed as soon as it is decoded, while others still
 * are; after the first failure the rest is dropped.
 * @throws BadImage, NotAnswered: what failed first
 */
export async function resultsOf(
  files: readonly Uint8Array[],
  { top, size, run }: Question,
  { decoder, pool, trace }: Parts,
): Promise<readonly Result[]> {
  const failures: unknown[] = [];
  const isGone = (): boolean => failures.length > 0 || run.isGone();
  const results = files.map(async (file, i): Promise<Result[]> => {
    try {
      const came = performance.now();
      const data = await decoder.decode(file, { size, deadline: run.deadline, isGone });
      trace?.decoded(came, file.length);
      const answers = await pool.run([{ kind: 'pixels', data }], { ...run, isGone });
      for (const answer of answers) trace?.answered(answer);
      return answers.map((answer) => resultOf(answer, pool, top));
    } catch (error) {
      failures.push(files.length === 1 ? error : numbered(error, i + 1, files.length));
      return [];
    }
  });
  // Also after a failure: the pool is kept open until nobody needs it.
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
