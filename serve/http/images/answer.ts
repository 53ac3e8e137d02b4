import { renderInput } from '../../inference/pixel-layout.js';
import { type Answer, type InferencePool, NotAnswered } from '../../inference/pool.js';
import { BadImage, type Decoder } from '../../images/decoder.js';
import type { RequestTrace } from '../tracing.js';
import type { ImageRequest } from './request.js';
import { imageTasks } from './tasks.js';

/** Images of a request that are decoded or computed at a time: enough for all threads, and few when its client leaves. */
const atOnce = 16;

/** The answer for an image: the results of its task, then how they came about. */
type Result = Readonly<Record<string, unknown>>;

interface Parts {
  readonly decoder: Decoder;
  readonly pool: InferencePool;
  readonly trace: RequestTrace | null;
}

/**
 * Answers all files, in their order, or none. An image is computed as soon as it is decoded; after the first failure, the
 * remaining images are dropped.
 * @throws BadImage or NotAnswered: the first failure
 */
export async function resultsOf(
  files: readonly Uint8Array[],
  { top, renderings, run }: ImageRequest,
  { decoder, pool, trace }: Parts,
): Promise<readonly Result[]> {
  const failures: unknown[] = [];
  const isGone = (): boolean => failures.length > 0 || run.isGone();
  const results: Result[] = [];
  const answer = async (file: Uint8Array, i: number): Promise<void> => {
    try {
      const came = performance.now();
      const data = await renderInput(pool.layout, renderings, (rendering) =>
        decoder.decode(file, { rendering, deadline: run.deadline, isGone, client: run.client }),
      );
      trace?.decoded(came, file.length);
      const [answered] = await pool.run([{ kind: 'pixels', data }], { ...run, isGone });
      trace?.answered(answered);
      results[i] = resultOf(answered, pool, top);
    } catch (error) {
      failures.push(files.length === 1 ? error : numbered(error, i + 1, files.length));
    }
  };
  const rest = files.entries();
  const answerRest = async (): Promise<void> => {
    for (const [i, file] of rest) {
      await answer(file, i);
      if (failures.length > 0) return;
    }
  };
  // Waits also after a failure: the pool must stay open until all images have ended.
  await Promise.all(Array.from({ length: Math.min(atOnce, files.length) }, answerRest));
  if (failures.length > 0) throw failures[0];
  return results;
}

const numbered = (error: unknown, number: number, of: number): unknown =>
  error instanceof BadImage ? new BadImage(error.status, `image ${number} of ${of}: ${error.message}`) : error;

const round = (ms: number): number => Math.round(ms * 1e3) / 1e3;

/** @throws NotAnswered `failed` when an output is not finite */
function resultOf({ model, outputs, batch, queuedMs, computedMs }: Answer, pool: InferencePool, top: number): Result {
  if (!outputs.every(Number.isFinite))
    throw new NotAnswered('failed', 'the network returned values that are not finite');
  const kind = pool.models.find((pooled) => pooled.model === model)?.outputs ?? 'logits';
  const { answer, score } = imageTasks[model.task];
  return {
    ...answer({ values: outputs, kind, names: model.classes }, top),
    network: model.name,
    [score[0]]: model.accuracy,
    ms: { queued: round(queuedMs), computed: round(computedMs) },
    batch,
  };
}
