import { renderInput } from '../../inference/pixel-layout.js';
import { type Answer, type InferencePool, NotAnswered } from '../../inference/pool.js';
import { BadImage, type Decoder } from '../../images/decoder.js';
import type { Turns } from '../../turns.js';
import { fewAtOnce } from '../few-at-once.js';
import type { RequestTrace } from '../tracing.js';
import type { ImageRequest } from './request.js';
import { imageTasks } from './tasks.js';

/** An answer with more classes than this waits for its client's turn. */
const manyResults = 100;

interface Parts {
  readonly decoder: Decoder;
  readonly pool: InferencePool;
  readonly trace: RequestTrace | null;
  readonly turns: Turns;
}

/**
 * Answers all files, in their order, or none: as JSON, because writing a thousand classes for each of 64 images takes longer than a
 * server may stand still. An image is computed as soon as it is decoded; after the first failure, the remaining images are
 * dropped.
 * @throws BadImage or NotAnswered: the first failure
 */
export async function resultsOf(
  files: readonly Uint8Array[],
  { top, results, renderings, run }: ImageRequest,
  { decoder, pool, trace, turns }: Parts,
): Promise<string> {
  let hasFailed = false;
  const isGone = (): boolean => hasFailed || run.isGone();
  const texts: string[] = [];
  const answer = async (file: Uint8Array): Promise<string> => {
    const came = performance.now();
    const data = await renderInput(pool.layout, renderings, (rendering) =>
      decoder.decode(file, { rendering, deadline: run.deadline, isGone, client: run.client }),
    );
    trace?.decoded(came, file.length);
    const [answered] = await pool.run([{ kind: 'pixels', data }], { ...run, isGone });
    trace?.answered(answered);
    const write = (): string => JSON.stringify(resultOf(answered, pool, top));
    return results > manyResults ? turns.run(run.client, write) : write();
  };
  await fewAtOnce(files, async (file, i) => {
    try {
      texts[i] = await answer(file);
    } catch (error) {
      hasFailed = true;
      throw files.length === 1 ? error : numbered(error, i + 1, files.length);
    }
  });
  return `{"results":[${texts.join(',')}]}`;
}

const numbered = (error: unknown, number: number, of: number): unknown =>
  error instanceof BadImage ? new BadImage(error.status, `image ${number} of ${of}: ${error.message}`) : error;

const round = (ms: number): number => Math.round(ms * 1e3) / 1e3;

/** @throws NotAnswered `failed` when an output is not finite */
function resultOf({ model, outputs, batch, queuedMs, computedMs }: Answer, pool: InferencePool, top: number) {
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
