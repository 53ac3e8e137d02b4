import type { Extent } from '../../../base/boxes.js';
import { detectIn, type Detection } from '../../../base/detections.js';
import { renderingOf } from '../../models/model.js';
import { renderInput } from '../../inference/pixel-layout.js';
import { type Answer, type InferencePool, NotAnswered } from '../../inference/pool.js';
import { BadImage, type Decoder } from '../../images/decoder.js';
import type { Turns } from '../../turns.js';
import { fewAtOnce } from '../few-at-once.js';
import { isFinite32 } from '../open-inference/tensors.js';
import type { ImageRequest } from './request.js';
import { imageTasks } from './tasks.js';

/** An answer with more classes than this waits for its client's turn. */
const manyResults = 100;

interface Parts {
  readonly decoder: Decoder;
  readonly pool: InferencePool;
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
  { top, threshold, results, renderings, run }: ImageRequest,
  { decoder, pool, turns }: Parts,
): Promise<string> {
  let hasFailed = false;
  const isGone = (): boolean => hasFailed || run.isGone();
  const texts: string[] = [];
  const isDetector = pool.models[0].model.detector !== null;
  const answer = async (file: Uint8Array): Promise<string> => {
    const data = await renderInput(pool.layout, renderings, (rendering) =>
      decoder.decode(file, { rendering, deadline: run.deadline, isGone, client: run.client }),
    );
    const computed = pool.run([{ kind: 'pixels', data }], { ...run, isGone });
    const [[answered], extent] = await Promise.all([computed, isDetector ? decoder.extentOf(file) : null]);
    const write = (): string => JSON.stringify(resultOf(answered, pool, { top, threshold, extent }));
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

interface Asked extends Pick<ImageRequest, 'top' | 'threshold'> {
  /** Of the sent image; null: the network is no detector. */
  readonly extent: Extent | null;
}

function boxesIn({ model, outputs }: Answer, { threshold, extent }: Asked): readonly Detection[] {
  const { detector, classes } = model;
  if (detector === null || extent === null) return [];
  const { rows, columns, stride, most, overlap, thresholds } = detector;
  const map = { rows, columns, stride, classes: classes.length, values: outputs };
  return detectIn(map, extent, renderingOf(model), { most, overlap, thresholds: threshold ?? thresholds });
}

/** @throws NotAnswered `failed` when an output is not finite */
function resultOf(answered: Answer, pool: InferencePool, asked: Asked) {
  const { model, outputs, batch, queuedMs, computedMs } = answered;
  if (!isFinite32(outputs)) throw new NotAnswered('failed', 'the network returned values that are not finite');
  const kind = pool.models.find((pooled) => pooled.model === model)?.outputs ?? 'logits';
  const { answer, score } = imageTasks[model.task];
  return {
    ...answer({ values: outputs, kind, names: model.classes, boxes: boxesIn(answered, asked) }, asked.top),
    network: model.name,
    [score[0]]: model.accuracy,
    ms: { queued: round(queuedMs), computed: round(computedMs) },
    batch,
  };
}
