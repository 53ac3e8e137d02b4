import { trainingExperimentOf } from './stored/experiment.js';
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { NasError } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { withImports } from '../base/modules.js';
import { contentHash } from '../base/hash.js';
import { counted, csvLine } from '../base/text.js';
import { modelFileAt } from '../compiler/index.js';
import type { RunRecord, Store } from '../store/index.js';
import {
  imageChanges,
  labelledImages,
  labelledImagesOf,
  prepareDataset,
  unlabelledImagesOf,
  type DatasetRef,
  type ImageRow,
  type PrepareOptions,
} from '../trainers/index.js';
import { weightsFilesOf } from './initial-weights/read.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import { isOwnSupernet, isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import { imagesPath } from './stored/workdir.js';
import { sharedWeights } from './trainings/supernet.js';

/** Keys of files of weights, each of which may have more files beside it. */
const isWeights = (key: string): boolean => key === 'train.from' || key.startsWith('teacher.');

/** The files whose content decides the results, by the key that names them: tables, modules, weights, teachers, latency models. */
export function filesOf(experiment: Experiment): Readonly<Record<string, string>> {
  const { space, search } = experiment;
  return {
    ...(space.type === 'table' ? { 'space.file': space.file } : {}),
    ...(space.type === 'module' ? { 'space.path': space.path } : {}),
    ...(typeof search.controller === 'string' ? {} : { 'search.controller.path': search.controller.path }),
    ...('supernet' in experiment && experiment.supernet !== undefined && !isOwnSupernet(experiment.supernet)
      ? { 'supernet.from': sharedWeights(experiment.supernet.from) }
      : {}),
    ...('evaluate' in experiment && experiment.evaluate?.type === 'module'
      ? { 'evaluate.path': experiment.evaluate.path }
      : {}),
    ...('initial' in experiment && experiment.initial !== undefined ? { 'train.from': experiment.initial } : {}),
    ...(isTrainingExperiment(experiment) ? { ...teacherFiles(experiment), ...latencyFiles(experiment) } : {}),
  };
}

type Training = Extract<Experiment, { readonly teacher: unknown }>;

function teacherFiles({ teacher }: Training): Record<string, string> {
  const fileOf = (one: typeof teacher): string | null => (one.type === 'file' ? modelFileAt(one.path) : null);
  const entries =
    teacher.type === 'average'
      ? teacher.of.map((one, i) => [`teacher.of[${i}].path`, fileOf(one)] as const)
      : [['teacher.path', fileOf(teacher)] as const];
  return Object.fromEntries(entries.flatMap(([key, file]) => (file === null ? [] : [[key, file]])));
}

function latencyFiles({ latency: { device, predictor } }: Training): Record<string, string> {
  const models = typeof predictor === 'string' ? { '': predictor } : predictor;
  const given = Object.entries(models).filter(([, file]) => file.endsWith('.json'));
  return {
    ...(device.type === 'table' ? { 'latency.device.file': device.file } : {}),
    ...Object.fromEntries(given.map(([key, file]) => [`latency.predictor${key === '' ? '' : `.${key}`}`, file])),
  };
}

/** All files that are read for a key: of weights, and what a module imports. @throws NasError when there is none */
export function filesFor(key: string, file: string): readonly string[] {
  if (!existsSync(file)) return [file];
  if (isWeights(key)) return weightsFilesOf(file);
  return kindOfInput(key) === 'module' ? withImports(file) : [file];
}

/** Hash of all that is read for a key; null when the file is gone. */
const hashOf = (key: string, file: string): string | null =>
  existsSync(file) ? contentHash(...filesFor(key, file).map((one) => readFileSync(one))) : null;

/** Hashes of everything that a run reads, by the key that names it. */
export type Inputs = Readonly<Record<string, string | null>>;

/** The images that a run reads. */
export interface RunImages {
  readonly rows: readonly ImageRow[];
  readonly hashes: Inputs;
}

/** The images of a run and their hashes. @param dataset null: the run reads none */
export function imagesOf(dataset: DatasetRef | null): RunImages {
  if (dataset === null) return { rows: [], hashes: {} };
  const labelled = labelledImagesOf(dataset);
  const unlabelled = unlabelledImagesOf(dataset);
  return {
    rows: [...labelled.rows, ...(unlabelled?.rows ?? [])],
    hashes: { data: labelled.hash, ...(unlabelled !== null && { 'data.unlabelled': unlabelled.hash }) },
  };
}

/** The hashes of everything that an experiment reads now. */
export const inputsOf = (experiment: Experiment, images: Inputs): Inputs => ({
  ...images,
  ...Object.fromEntries(Object.entries(filesOf(experiment)).map(([key, file]) => [key, hashOf(key, file)])),
});

const columns = ['path', 'label', 'split', 'content'] as const;

/** Writes which image is in which split, as CSV. */
export const writeImages = (file: string, rows: readonly ImageRow[]): void =>
  writeFileAtomic(file, csvLine(columns), ...rows.map((row) => csvLine(columns.map((name) => row[name]))));

/** The images with which a run began; null when their list is missing or damaged. */
export function storedImages(workdir: string): ImageRow[] | null {
  const file = imagesPath(workdir);
  if (!existsSync(file)) return null;
  try {
    // Written by `writeImages`.
    return parse<ImageRow>(readFileSync(file), { columns: true });
  } catch {
    return null;
  }
}

/**
 * Converts the labelled images of a run, unless the cache has them: exactly its images, labels and splits.
 * @throws NasError `inputs-changed` when they are others than the run's; `invalid-input` as `prepareDataset`
 */
export async function imagesOfRun(store: Store, workdir: string, options: PrepareOptions = {}): Promise<DatasetRef> {
  const dataset = await prepareDataset(labelledImages(trainingExperimentOf(store, workdir).data), options);
  const { data: stored } = storedInputs(store.run.get(), workdir);
  const { rows, hash } = labelledImagesOf(dataset);
  if (hash === stored) return dataset;
  throw new NasError(
    'inputs-changed',
    `${workdir}: the images changed since the run began: ${imageText(workdir, rows)}`,
    {
      hint: `Bring the old images back; nas resume ${workdir} --data names their folder when they are elsewhere now.`,
    },
  );
}

/** Kinds of files, for people. */
const kinds: ReadonlyMap<string, string> = new Map([
  ['space.file', 'table'],
  ['space.path', 'module'],
  ['search.controller.path', 'module'],
  ['evaluate.path', 'module'],
  ['supernet.from', 'supernet'],
  ['train.from', 'file of weights'],
  ['latency.device.file', 'table of latencies'],
]);

const kindOfInput = (key: string): string => {
  if (key.startsWith('teacher.')) return 'teacher';
  return key.startsWith('latency.predictor') ? 'latency model' : (kinds.get(key) ?? 'file');
};

/** The inputs of a run, as its record has them. @throws NasError `invalid-input` when it has none */
export function storedInputs({ environment }: Pick<RunRecord, 'environment'>, workdir: string): Inputs {
  // Written by `environmentOf`.
  const { inputs } = environment as { readonly inputs?: Inputs };
  if (inputs !== undefined) return inputs;
  throw new NasError('invalid-input', `${workdir}: the run does not say which images and files it began with`, {
    hint: 'A version of nas before 0.1.0 wrote it: start over with nas run --fresh.',
  });
}

/** Names in a message; `images.csv` has all. */
const shown = 3;

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > shown ? ', ...' : '';
  return [`${counted(names.length, 'image')} ${what} (${names.slice(0, shown).join('; ')}${more})`];
}

function imageText(workdir: string, now: readonly ImageRow[]): string {
  const before = storedImages(workdir);
  const differ = "data: the images differ from the run's";
  if (before === null) return differ;
  const changes = imageChanges(before, now);
  const parts = [
    ...listed('added', changes.added),
    ...listed('removed', changes.removed),
    ...listed('renamed', changes.renamed),
    ...listed('with other content', changes.content),
    ...listed('with another label', changes.label),
    ...listed('in another split', changes.split),
  ];
  return parts.length === 0 ? `${differ}, in their groups or classes` : `data: ${parts.join(', ')}`;
}

/** A change of an input since a run began. */
export interface InputChange {
  readonly key: string;
  readonly text: string;
  /** Whether there is no such file any more. */
  readonly isGone: boolean;
}

/** What changed in the inputs since the run began; empty when nothing did. */
export function inputChanges(
  experiment: Experiment,
  { rows, hashes }: RunImages,
  { stored, workdir }: { readonly stored: Inputs; readonly workdir: string },
): readonly InputChange[] {
  const now = inputsOf(experiment, hashes);
  const changed = [...new Set([...Object.keys(stored), ...Object.keys(now)])].filter((key) => stored[key] !== now[key]);
  const files = filesOf(experiment);
  const ofImages = changed.find((key) => key in hashes);
  const images = ofImages === undefined ? [] : [{ key: ofImages, text: imageText(workdir, rows), isGone: false }];
  return [
    ...images,
    ...changed.flatMap((key) => {
      if (key in hashes) return [];
      const file = files[key] ?? key;
      const isGone = now[key] === null;
      const imports = kindOfInput(key) === 'module' && !isGone && filesFor(key, file).length > 1;
      const what = `${kindOfInput(key)} ${file}${imports ? ', or a file that it imports,' : ''}`;
      return { key, text: `${key}: the ${what} ${isGone ? 'is gone' : 'has another content'}`, isGone };
    }),
  ];
}

/**
 * @param accepted whether the user accepts other content
 * @throws NasError `inputs-changed` when something changed that is not accepted; a file that is gone never is
 */
export function requireSameInputs(changes: readonly InputChange[], workdir: string, accepted = false): void {
  const refused = accepted ? changes.filter(({ isGone }) => isGone) : changes;
  if (refused.length === 0) return;
  const texts = refused.map(({ text }) => text).join('; ');
  throw new NasError('inputs-changed', `${workdir}: what the run reads changed since it began: ${texts}`, {
    hint: accepted
      ? 'Bring the file back.'
      : `Bring the old content back; or continue with nas resume ${workdir} --accept-data: the results so far move to generations/ in its folder, and the search begins anew with their frontier.`,
  });
}
