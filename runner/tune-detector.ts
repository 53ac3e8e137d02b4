import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invalidInput, NasError } from '../base/errors.js';
import { cacheDirectory, makeDirectory } from '../base/files.js';
import { canonicalJson, contentHash } from '../base/hash.js';
import { mainScores, scoreText } from '../base/scores.js';
import { isBoxTask, type MapTask } from '../base/task.js';
import { classifierFile } from '../compiler/index.js';
import { exportOnnx, mapFacts, metadataOfFile, readExport, type ModelMetadata } from '../deploy/index.js';
import { answersOf, mapTaskOf, detectionOf, detectorOf, type Network } from '../spaces/index.js';
import type { Model } from '../spaces/models/index.js';
import {
  describeDataset,
  fit,
  fromTrained,
  readWeights,
  recogniseNetwork,
  saveWeights,
  trimCache,
  unfoldBatchNorm,
  withDataset,
  type DatasetInfo,
  type DatasetRef,
  type FitJob,
  type SplitName,
} from '../trainers/index.js';
import { initialContent, withClasses } from './initial-weights/index.js';
import { weightsFileOf } from './initial-weights/read.js';
import { evaluateOnSplit } from './models/on-dataset.js';
import { fileFacts, withThresholds } from './models/file-facts.js';
import type { RunObserver } from './events.js';
import { hooksFor, type TuneReport, type TuneRequest } from './tune.js';

/** A trained network, whose backbone a detector or a segmenter takes. */
export interface Backbone {
  /** The file, and its name for messages. */
  readonly file: string;
  readonly name: string;
  readonly model: Model;
  readonly metadata: Partial<ModelMetadata>;
  /** Whether batch norm is folded into kernels. */
  readonly isFolded: boolean;
}

/** Images of files that leave their size open; the backbone is the same for all sizes. */
const usualSize = [224, 224] as const;

/**
 * Reads a classifier or detector of nas, or a classifier of another program whose blocks nas has, too.
 * @throws NasError `invalid-input` for other networks
 */
export async function readBackbone(path: string): Promise<Backbone> {
  const file = weightsFileOf(path);
  const name = basename(file);
  if (!file.endsWith('.zip') && (await metadataOfFile(file)).network !== undefined) {
    const { model, metadata, folded } = await readExport(file);
    return { file, name, model, metadata, isFolded: folded };
  }
  const { model, folded, facts } = recogniseNetwork(await classifierFile(file), { where: name, size: usualSize });
  return { file, name, model, metadata: { classes: facts.classes }, isFolded: folded.size > 0 };
}

/** Images for the statistics of folded batch norms. Batches are small: a detector takes large images. */
const statistics = { images: 256, batch: 16 };

/** The head of a new detector, as in the benchmark's network. */
const newHead = { width: 32, depth: 1 } as const;
/** Middles need no finer cells. */
const coarse = { stride: 8 } as const;

/** What the network answers: as the data says, else as the file does. */
function taskFor({ task }: DatasetRef, info: DatasetInfo, { model }: Backbone): MapTask {
  if (info.task.type === 'segmentation') return 'segmentation';
  const head = detectionOf(model.network);
  const own = head === null ? undefined : mapTaskOf(head);
  return task ?? (own === 'centroids' ? own : 'detection');
}

/** @throws NasError `invalid-input` where the network takes other channels, or makes no maps that a head could read */
function networkFor({ model: { network }, name }: Backbone, info: DatasetInfo, task: MapTask): Network {
  const input = [info.height, info.width, info.channels] as const;
  const classes = info.classes.length;
  if (network.input[2] !== info.channels)
    throw invalidInput(`${name} takes images of ${network.input[2]} channels, the data has ${info.channels}`, {
      hint: 'Set data.channels, or choose another file.',
    });
  const own = detectionOf(network);
  const detector =
    own === null
      ? detectorOf({ ...network, input }, { classes, ...newHead, where: name })
      : { ...network, input, classes };
  const head = own ?? detectionOf(detector);
  if (head === null || task === mapTaskOf(head)) return detector;
  const { centroids: _, segmentation: __, ...boxes } = head;
  const isCoarse = task === 'centroids' && own === null && boxes.deepest >= 8;
  return { ...detector, head: { ...boxes, ...(isCoarse && coarse), ...answersOf(task) } };
}

export interface TuneDetectorRequest
  extends Pick<TuneRequest, 'data' | 'dataset' | 'seed' | 'threads'>, Pick<FitJob, 'train' | 'engine'> {
  readonly backbone: Backbone;
}

/** What tuning a detector or a segmenter has brought. Its head is trained with the rest. */
export interface DetectorReport extends Omit<TuneReport, 'ridge' | 'head' | 'adapted'> {
  /** none: the file scores more on the validation images than what training made of it, and is written as it was. */
  readonly adapted: 'all' | 'none';
}

/**
 * Trains a detector, or a segmenter, from the weights of a file: of one of the same task all, its logits where it knows the classes of the
 * data; of a classifier the backbone, with a new head. An interrupted training continues.
 * @returns the ONNX file and its report; the folder of the training continues it, and is needed until the file is written
 * @throws NasError as `fit`
 */
export async function tuneDetector(
  { backbone, data, dataset: ref, seed, threads, train, engine }: TuneDetectorRequest,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<{ readonly model: Uint8Array; readonly report: DetectorReport; readonly directory: string }> {
  const info = describeDataset(ref);
  const { classes, counts } = info;
  const task = taskFor(ref, info, backbone);
  const dataset = isBoxTask(task) ? { ...ref, task } : ref;
  if (counts.test === 0) throw invalidInput('the data has no test images', { hint: 'Set data.test above 0.' });
  const network = networkFor(backbone, info, task);
  const known = backbone.metadata.classes ?? null;
  const cache = cacheDirectory();
  const key = contentHash('detector', initialContent(backbone.file), info.hash, network, train, seed, engine);
  const directory = join(cache, 'tuned', key.slice(0, 32));
  trimCache(cache, 'tuned');
  makeDirectory(directory);
  const initial = join(directory, 'initial.bin');
  const own = { ...backbone.model, network: { ...backbone.model.network, input: network.input } };
  const on = (file: Uint8Array, split: SplitName) =>
    evaluateOnSplit(file, dataset, split, {
      ...{ threads, where: backbone.name },
      // Validation images are scored as trainings score them, which choose the thresholds on them.
      ...(split === 'validation' && { thresholds: 'best' }),
      onProgress: (done, total) => observe({ kind: 'progress', phase: 'tune', done, total, unit: 'images' }),
    });
  // Before the training: a file that cannot be scored is refused at once.
  const isSame =
    canonicalJson(detectionOf(own.network)) === canonicalJson(detectionOf(network)) &&
    String(own.network.input) === String(backbone.model.network.input);
  const knowsAll = known?.length === classes.length && classes.every((name) => known.includes(name));
  const before = isSame && knowsAll && backbone.file.endsWith('.onnx') ? await scoresOf(backbone.file, on) : null;
  await withDataset(dataset, async (open) => {
    const whole = backbone.isFolded ? await unfoldBatchNorm(own, open, statistics) : own;
    saveWeights(withClasses(whole.weights, known, classes), initial);
  });
  const job = { network, seed, dataset, teacher: null, engine, threads, directory };
  const hooks = hooksFor(task, observe, signal);
  const fitted = await fit({ ...job, train: fromTrained(train), initial: { file: initial, partial: true } }, hooks);
  if (fitted.state !== 'complete')
    throw new NasError('interrupted', 'the training was interrupted; the same command continues it');
  const { places } = backbone.metadata;
  const stride = detectionOf(network)?.stride ?? 0;
  const written: ModelMetadata = {
    ...fileFacts({ ...info, task: { type: task } }, data, network.input),
    ...{ network, seed, weights: 'trained' },
    ...mapFacts(task, stride),
    ...(places !== undefined && { places: places.slice(0, network.blocks.length) }),
  };
  const facts = withThresholds(written, fitted.details);
  const trained = { network, weights: readWeights(network, fitted.weights) };
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
  const { accuracy, details } = await on(exportOnnx(trained, facts), 'test');
  const after = { validation: fitted.accuracy, test: accuracy };
  const model = exportOnnx(trained, { ...facts, accuracy: after });
  return { model, directory, report: { ...report, adapted: 'all', after, details } };
}

/** A detector as it was, with its scores. */
async function scoresOf(file: string, on: (file: Uint8Array, split: SplitName) => ReturnType<typeof evaluateOnSplit>) {
  const model = readFileSync(file);
  const { accuracy: validation } = await on(model, 'validation');
  const { accuracy: test, details } = await on(model, 'test');
  return { model, scores: { validation, test }, details };
}
