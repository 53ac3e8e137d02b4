import { join } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { cacheDirectory } from '../base/files.js';
import { contentHash } from '../base/hash.js';
import { scoreText, mainScores, type Details } from '../base/scores.js';
import type { TaskType } from '../base/task.js';
import { withMetadata } from '../deploy/index.js';
import {
  chooseEngine,
  onProcessor,
  describeDataset,
  trimCache,
  tune,
  tuneParts,
  type DataConfig,
  type DatasetInfo,
  type DatasetRef,
  type EpochMetrics,
  type SplitName,
  type Tuned,
  type TuneHooks,
  type TuneJob,
  type TunePart,
} from '../trainers/index.js';
import { fileFacts } from './models/file-facts.js';
import { evaluateOnSplit } from './models/on-dataset.js';
import type { RunObserver } from './events.js';

export interface TuneRequest extends Omit<TuneJob, 'cache' | 'directory' | 'dataset'> {
  readonly data: DataConfig;
  /** Rendered in the size of the file's images. */
  readonly dataset: DatasetRef;
}

/** Main scores by split. */
type Scores = Readonly<Record<'validation' | 'test', number>>;

/** What tuning a file has brought. */
export interface TuneReport {
  readonly task: TaskType;
  readonly adapted: Tuned['adapted'];
  readonly ridge: number;
  /** Of the file as it was; null where its outputs are not the data's. */
  readonly before: Scores | null;
  /** With the new head alone, on the validation images. */
  readonly head: number;
  readonly after: Scores;
  /** Of the fine-tuning, by epoch. */
  readonly curve: readonly EpochMetrics[];
  /** What a longer fine-tuning may bring; null without one. */
  readonly outlook: Tuned['outlook'];
  readonly classes: readonly string[];
  /** On the test images. */
  readonly details: Details;
}

/** The scores of the unchanged file; null where it has other classes, labels or numbers than the data. */
async function before(
  { source: { bytes, network, scale, size } }: Tuned,
  info: DatasetInfo,
  on: (file: Uint8Array, split: SplitName) => Promise<{ readonly accuracy: number }>,
): Promise<Scores | null> {
  const known = network.facts.classes ?? info.classes;
  const isSame = known.length === info.classes.length && info.classes.every((name) => known.includes(name));
  if (!isSame || network.classes !== info.classes.length) return null;
  const { mean, std } = scale;
  const input = [size[0], size[1], info.channels] as const;
  const file = withMetadata(bytes, { mean, std, input, layout: network.layout });
  return { validation: (await on(file, 'validation')).accuracy, test: (await on(file, 'test')).accuracy };
}

/** Most lines that tell epochs. */
const mostLines = 20;

const partMessages: { readonly [P in TunePart]: string } = {
  features: 'Computing the features of the images',
  head: 'Fitting a new last layer',
};

/** Progress of a tuning as the events of a run. */
export function hooksFor(task: TaskType, observe: RunObserver, signal: AbortSignal): TuneHooks {
  let part: TunePart | null = null;
  let epochs = 1;
  const title = mainScores[task].title;
  return {
    signal,
    pause: () => undefined,
    onNote: (message) => observe({ kind: 'note', message }),
    onPart(own, done, total) {
      if (own !== part) observe({ kind: 'phase', name: 'tune', message: partMessages[own] });
      part = own;
      observe({ kind: 'progress', phase: 'tune', done, total, unit: tuneParts[own] });
    },
    onStart: () => observe({ kind: 'phase', name: 'tune', message: 'Fine-tuning' }),
    onProgress({ epoch, epochs: all, step, steps, loss }) {
      epochs = all;
      const [done, total] = [epoch * steps + step, all * steps];
      observe({ kind: 'progress', phase: 'tune', done, total, unit: 'steps', detail: `loss ${loss.toFixed(3)}` });
    },
    onEpoch({ epoch, train_loss, validation_loss, validation_accuracy }) {
      const every = Math.ceil(epochs / mostLines);
      if ((epoch + 1) % every !== 0 && epoch + 1 !== epochs) return;
      const losses = `loss ${train_loss.toFixed(3)}, validation loss ${validation_loss.toFixed(3)}`;
      const message = `epoch ${epoch + 1} of ${epochs}: ${losses}, validation ${title} ${scoreText(task, validation_accuracy)}`;
      observe({ kind: 'note', message });
    },
  };
}

/**
 * Adapts a classifier of any program to some data (`tune`), and describes the result.
 * @returns the file, with the metadata that other commands read, and its report; the folder of the training continues it, and is
 *   needed until the file is written
 * @throws NasError as `tune`
 */
export async function tuneFile(
  { data, dataset, ...request }: TuneRequest,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<{ readonly model: Uint8Array; readonly report: TuneReport; readonly directory: string }> {
  const info = describeDataset(dataset);
  const { counts, classes, channels } = info;
  if (counts.test === 0) throw invalidInput('the data has no test images', { hint: 'Set data.test above 0.' });
  const cache = cacheDirectory();
  const { threads, engine, ...settings } = request;
  const choice = await chooseEngine(engine);
  // The native engine leaves networks from files to the compiled one.
  const key = contentHash('tune', info.hash, settings, choice.type === 'native' ? onProcessor : choice);
  const directory = join(cache, 'tuned', key.slice(0, 32));
  trimCache(cache, 'tuned');
  const tuned = await tune({ ...request, dataset, cache, directory }, hooksFor(info.task.type, observe, signal));
  const { source, head, curve, outlook, adapted } = tuned;
  const input = [source.size[0], source.size[1], channels] as const;
  const facts = { ...fileFacts({ ...info, ...source.scale }, data, input), weights: 'trained' } as const;
  const on = (file: Uint8Array, split: SplitName) =>
    evaluateOnSplit(file, dataset, split, {
      threads,
      onProgress: (done, total) => observe({ kind: 'progress', phase: 'tune', done, total, unit: 'images' }),
    });
  const test = await on(withMetadata(tuned.model, facts), 'test');
  const after = { validation: tuned.scores.accuracy, test: test.accuracy };
  return {
    model: withMetadata(tuned.model, { ...facts, accuracy: after }),
    directory,
    report: {
      task: info.task.type,
      adapted,
      ridge: head.ridge,
      before: await before(tuned, info, on),
      head: head.scores.accuracy,
      after,
      curve,
      outlook,
      classes,
      details: test.details,
    },
  };
}
