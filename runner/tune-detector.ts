import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput, NasError } from '../base/errors.js';
import { cacheDirectory, makeDirectory } from '../base/files.js';
import { canonicalJson, contentHash } from '../base/hash.js';
import type { ImageSize } from '../base/image-pixels.js';
import { scaledTwice, type PixelScale } from '../base/preprocess.js';
import { mainScores, scoreText } from '../base/scores.js';
import { isBoxTask, type MapTask } from '../base/task.js';
import { exportOnnx, mapFacts, withMetadata, type ModelMetadata } from '../deploy/index.js';
import { detectionOf } from '../spaces/index.js';
import type { Model } from '../spaces/models/index.js';
import {
  describeDataset,
  fit,
  fitForeignDetector,
  foreignDetector,
  fromTrained,
  mapsForHead,
  readTensorFile,
  readWeights,
  rescaledStem,
  saveWeights,
  scaleOfMaps,
  trimCache,
  unfoldBatchNorm,
  withDataset,
  writtenOrOwnScale,
  type DatasetInfo,
  type FitHooks,
  type FitJob,
  type FitResult,
  type SplitName,
  type WrittenScale,
} from '../trainers/index.js';
import { networkFor, newHeadOn, taskFor, type Backbone } from './backbone.js';
import { initialContent, withClasses } from './initial-weights/index.js';
import { evaluateOnSplit } from './models/on-dataset.js';
import { fileFacts, withThresholds } from './models/file-facts.js';
import type { RunObserver } from './events.js';
import { hooksFor, type TuneReport, type TuneRequest } from './tune.js';

/** Images for the statistics of folded batch norms. Batches are small: a detector takes large images. */
const statistics = { images: 256, batch: 16 };

export interface TuneDetectorRequest
  extends Pick<TuneRequest, 'data' | 'dataset' | 'seed' | 'threads'>, Pick<FitJob, 'train' | 'engine'> {
  readonly backbone: Backbone;
  /** How the images of a file of another program are normalised, where its user says it. */
  readonly written?: WrittenScale;
}

/** What tuning a detector or a segmenter has brought. Its head is trained with the rest. */
export interface DetectorReport extends Omit<TuneReport, 'ridge' | 'head' | 'adapted' | 'outlook'> {
  /** none: the file scores more on the validation images than what training made of it, and is written as it was. */
  readonly adapted: 'all' | 'none';
}

/** What is trained of a backbone. */
interface Student {
  readonly input: ImageSize;
  /** Pixels of the image for each cell of the answer. */
  readonly stride: number;
  /** What decides the training beside the file, the data and the request. */
  readonly what: unknown;
  /** Whether the file itself answers as the data asks. */
  readonly answers: boolean;
  fit(directory: string, hooks: FitHooks): Promise<FitResult>;
  /** The ONNX file. @param weights the file of a complete training */
  file(weights: string, facts: ModelMetadata): Uint8Array;
}

interface StudentOptions extends TuneDetectorRequest {
  readonly info: DatasetInfo;
  readonly task: MapTask;
  /** The normalisation that the file learned. */
  readonly scale: PixelScale;
}

async function studentOf(request: TuneDetectorRequest, task: MapTask, hooks: FitHooks): Promise<Student> {
  const { backbone, dataset, written = {} } = request;
  const { name, origin, metadata } = backbone;
  const info = describeDataset(dataset);
  const options = { ...request, info, task };
  if (origin.kind === 'own')
    return ofSpace(origin, { ...options, scale: writtenOrOwnScale(written, metadata, info, name) });
  const maps = mapsForHead(origin.bytes, [info.height, info.width], name);
  const { scale, line } = await withDataset(dataset, (open) => scaleOfMaps(maps, written, { dataset: open, name }));
  hooks.onNote?.(line);
  return origin.kind === 'recognised'
    ? ofSpace(origin, { ...options, scale: scaledTwice(scale, origin.inside) })
    : ofFile(maps, origin.unlike, { ...options, scale });
}

/** A network of a space, with the weights of the file. */
function ofSpace(
  { model, isFolded }: { readonly model: Model; readonly isFolded: boolean },
  { backbone, dataset, info, task, scale, train, seed, engine, threads }: StudentOptions,
): Student {
  const network = networkFor(model.network, backbone.name, info, task);
  const known = backbone.metadata.classes ?? null;
  const isSame =
    canonicalJson(detectionOf(model.network)) === canonicalJson(detectionOf(network)) &&
    String(model.network.input) === String(network.input);
  const knowsAll = known?.length === info.classes.length && info.classes.every((name) => known.includes(name));
  const { places } = backbone.metadata;
  return {
    input: network.input,
    stride: detectionOf(network)?.stride ?? 0,
    what: [network, scale],
    answers: isSame && knowsAll && backbone.file.endsWith('.onnx'),
    fit: async (directory, hooks) => {
      const initial = join(directory, 'initial.bin');
      const own = {
        network: { ...model.network, input: network.input },
        weights: rescaledStem(model.weights, scale, info),
      };
      await withDataset(dataset, async (open) => {
        const whole = isFolded ? await unfoldBatchNorm(own, open, statistics) : own;
        saveWeights(withClasses(whole.weights, known, info.classes), initial);
      });
      const job = { network, seed, dataset, teacher: null, engine, threads, directory };
      return fit({ ...job, train: fromTrained(train), initial: { file: initial, partial: true } }, hooks);
    },
    file: (weights, facts) =>
      exportOnnx(
        { network, weights: readWeights(network, weights) },
        { ...facts, network, seed, ...(places !== undefined && { places: places.slice(0, network.blocks.length) }) },
      ),
  };
}

/** The layers of a file that is no network of a space, with a new head. */
function ofFile(
  maps: ReturnType<typeof mapsForHead>,
  unlike: string,
  { backbone, info, task, scale, ...options }: StudentOptions,
): Student {
  const head = newHeadOn(
    maps.maps.map(({ stride }) => stride),
    task,
  );
  const scales = { file: scale, data: info };
  const detector = foreignDetector(maps, { head, classes: info.classes.length, scales, seed: options.seed });
  return {
    input: maps.input,
    stride: head.stride,
    what: [head, scale],
    answers: false,
    fit: (directory, hooks) => {
      hooks.onNote?.(`${unlike}. Its layers are trained as they are, by the compiled engine, which takes longer`);
      const hash = contentHash(initialContent(backbone.file), scale, head);
      return fitForeignDetector({ ...options, detector, hash, directory }, hooks);
    },
    file: (weights, facts) => withMetadata(detector.file(readTensorFile(weights).tensors), facts),
  };
}

/**
 * Trains a detector, or a segmenter, from the weights of a file: of one of the same task all, its logits where it knows the classes of the
 * data; of a classifier the backbone, with a new head. An interrupted training continues.
 * @returns the ONNX file and its report; the folder of the training continues it, and is needed until the file is written
 * @throws NasError as `fit`
 */
export async function tuneDetector(
  request: TuneDetectorRequest,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<{ readonly model: Uint8Array; readonly report: DetectorReport; readonly directory: string }> {
  const { backbone, data, seed, threads, train, engine } = request;
  const info = describeDataset(request.dataset);
  const { classes, counts } = info;
  const task = taskFor(request.dataset, info, backbone);
  const dataset = isBoxTask(task) ? { ...request.dataset, task } : request.dataset;
  if (counts.test === 0) throw invalidInput('the data has no test images', { hint: 'Set data.test above 0.' });
  if (backbone.channels !== info.channels)
    throw invalidInput(
      `${backbone.name} takes images of ${backbone.channels} channels, the data has ${info.channels}`,
      { hint: 'Set data.channels, or choose another file.' },
    );
  const hooks = hooksFor(task, observe, signal);
  const student = await studentOf({ ...request, dataset }, task, hooks);
  const cache = cacheDirectory();
  const key = contentHash('detector', initialContent(backbone.file), info.hash, student.what, train, seed, engine);
  const directory = join(cache, 'tuned', key.slice(0, 32));
  trimCache(cache, 'tuned');
  makeDirectory(directory);
  const on = (file: Uint8Array, split: SplitName) =>
    evaluateOnSplit(file, dataset, split, {
      ...{ threads, where: backbone.name },
      // Validation images are scored as trainings score them, which choose the thresholds on them.
      ...(split === 'validation' && { thresholds: 'best' }),
      onProgress: (done, total) => observe({ kind: 'progress', phase: 'tune', done, total, unit: 'images' }),
    });
  // Before the training: a file that cannot be scored is refused at once.
  const before = student.answers ? await scoresOf(backbone.file, on) : null;
  const fitted = await student.fit(directory, hooks);
  if (fitted.state !== 'complete')
    throw new NasError('interrupted', 'the training was interrupted; the same command continues it');
  const known: ModelMetadata = {
    ...fileFacts({ ...info, task: { type: task } }, data, student.input),
    weights: 'trained',
    ...mapFacts(task, student.stride),
  };
  const facts = withThresholds(known, fitted.details);
  const report = { task, before: before?.scores ?? null, curve: fitted.curve, classes };
  if (before !== null && before.scores.validation > fitted.accuracy) {
    const { title } = mainScores[task];
    const [from, to] = [before.scores.validation, fitted.accuracy].map((score) => scoreText(task, score));
    observe({
      kind: 'note',
      message: `Fine-tuning made it worse (validation ${title} ${to}, before ${from}): the file is written as it was. More images or more epochs may help`,
    });
    const { model, scores, details } = before;
    return { model, directory, report: { ...report, adapted: 'none', after: scores, details } };
  }
  const { accuracy, details } = await on(student.file(fitted.weights, facts), 'test');
  const after = { validation: fitted.accuracy, test: accuracy };
  const model = student.file(fitted.weights, { ...facts, accuracy: after });
  return { model, directory, report: { ...report, adapted: 'all', after, details } };
}

/** A detector as it was, with its scores. */
async function scoresOf(file: string, on: (file: Uint8Array, split: SplitName) => ReturnType<typeof evaluateOnSplit>) {
  const model = readFileSync(file);
  const { accuracy: validation } = await on(model, 'validation');
  const { accuracy: test, details } = await on(model, 'test');
  return { model, scores: { validation, test }, details };
}
