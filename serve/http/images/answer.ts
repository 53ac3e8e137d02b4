import type { Extent } from '../../../base/boxes.js';
import { detectIn, type Detection } from '../../../base/detections.js';
import { renderingOf } from '../../models/model.js';
import { renderInput } from '../../inference/pixel-layout.js';
import { type Answer, type InferencePool, NotAnswered } from '../../inference/pool.js';
import { BadImage, type Decoder } from '../../images/decoder.js';
import type { Turns } from '../../turns.js';
import { fewAtOnce } from '../few-at-once.js';
import { isFinite32 } from '../open-inference/tensors.js';
import { toThousandths } from '../wire.js';
import type { ImageRequest } from './request.js';
import { maskExtent, maskPng, maskRuns } from './segment.js';
import { imageTasks, type MaskCounts } from './tasks.js';

/** An answer with more classes than this waits for its client's turn. */
const manyResults = 100;

interface Parts {
  readonly decoder: Decoder;
  readonly pool: InferencePool;
  readonly turns: Turns;
  /** Takes memory for a part of the answer, until its client has read it. */
  readonly take: (bytes: number) => void;
}

/** The answer of a network for an image, and the extents of the image and of its mask; null where the task needs none. */
interface Computed {
  readonly answered: Answer;
  readonly extent: Extent | null;
  readonly mask: Extent | null;
}

/** Decodes an image and computes it. @throws BadImage or NotAnswered */
async function compute(
  file: Uint8Array,
  { renderings, side, run }: ImageRequest,
  { decoder, pool }: Parts,
): Promise<Computed> {
  const data = await renderInput(pool.layout, renderings, (rendering) =>
    decoder.decode(file, { rendering, deadline: run.deadline, isGone: run.isGone, client: run.client }),
  );
  const { maps } = pool.models[0].model;
  const extent = maps === null ? null : await decoder.extentOf(file);
  const mask = maps?.task === 'segmentation' && extent !== null ? maskExtent(extent, side) : null;
  const [answered] = await pool.run([{ kind: 'pixels', data }], run);
  if (!isFinite32(answered.outputs)) throw new NotAnswered('failed', 'the network returned values that are not finite');
  return { answered, extent, mask };
}

/** The mask of an image as a PNG of the indices of classes, and the network's name. @throws BadImage or NotAnswered */
export async function pictureOf(file: Uint8Array, request: ImageRequest, parts: Parts) {
  const { answered, extent, mask } = await compute(file, request, parts);
  if (extent === null || mask === null) throw new Error(`${answered.model.name} is no segmenter`);
  return {
    network: answered.model.name,
    picture: await maskPng(answered, extent, mask, { ...parts, run: request.run }),
  };
}

/**
 * Answers all files, in their order, or none: as JSON, because writing a thousand classes for each of 64 images takes longer than a
 * server may stand still. An image is computed as soon as it is decoded; after the first failure, the remaining images are
 * dropped.
 * @throws BadImage or NotAnswered: the first failure
 */
export async function resultsOf(files: readonly Uint8Array[], request: ImageRequest, parts: Parts): Promise<string> {
  const { pool, turns } = parts;
  let hasFailed = false;
  const run = { ...request.run, isGone: (): boolean => hasFailed || request.run.isGone() };
  const texts: string[] = [];
  const answer = async (file: Uint8Array): Promise<string> => {
    const { answered, extent, mask } = await compute(file, { ...request, run }, parts);
    const runs = extent === null || mask === null ? null : await maskRuns(answered, extent, mask, { ...parts, run });
    const write = (): string =>
      JSON.stringify(resultOf(answered, pool, { ...request, extent, mask: runs?.mask ?? null }));
    const text = request.results > manyResults ? await turns.run(run.client, write) : write();
    return runs === null ? text : `${text.slice(0, -1)},"rle":${runs.rle}}`;
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

interface Asked extends Pick<ImageRequest, 'top' | 'threshold'> {
  /** Of the sent image; null: the network has no maps. */
  readonly extent: Extent | null;
  readonly mask: MaskCounts | null;
}

function boxesIn({ model, outputs }: Answer, { threshold, extent }: Asked): readonly Detection[] {
  const { maps, classes } = model;
  if (maps === null || maps.task === 'segmentation' || extent === null) return [];
  const { rows, columns, stride, most, overlap, thresholds } = maps;
  const map = { rows, columns, stride, classes: classes.length, values: outputs };
  return detectIn(map, extent, renderingOf(model), { most, overlap, thresholds: threshold ?? thresholds });
}

function resultOf(answered: Answer, pool: InferencePool, asked: Asked) {
  const { model, outputs, batch, queuedMs, computedMs } = answered;
  const kind = pool.models.find((pooled) => pooled.model === model)?.outputs ?? 'logits';
  const { answer, score } = imageTasks[model.task];
  return {
    ...answer(
      { values: outputs, kind, names: model.classes, boxes: boxesIn(answered, asked), mask: asked.mask },
      asked.top,
    ),
    network: model.name,
    [score[0]]: model.accuracy,
    ms: { queued: toThousandths(queuedMs), computed: toThousandths(computedMs) },
    batch,
  };
}
