import { basename } from 'node:path';
import { mainScores, scoreText } from '../../base/scores.js';
import { counted } from '../../base/text.js';
import type { TaskType } from '../../base/task.js';
import { controllerTitle } from '../../search/schema.js';
import type { Store } from '../../store/index.js';
import type { DataConfig, LossConfig, TeacherConfig } from '../../trainers/index.js';
import { generationText } from '../../runner/stored/generation.js';
import type { Experiment, SupernetSettings, TrainingExperiment } from '../../experiments/schema/experiment.js';
import { type Evaluation, taskOf } from '../../experiments/schema/measures.js';
import { isOwnSupernet, isStudy, isTrainingExperiment } from '../../experiments/schema/run-experiment.js';
import type { ReportSupernet, RunProvenance, RunWorkers } from './data.js';
import { toPoint } from './member.js';
import { epochsText, workersText } from './text.js';

const share = (value: number): string => `${Number((100 * value).toPrecision(3))} %`;

function describeData(data: DataConfig): string {
  const part = data.subset < 1 ? `, ${share(data.subset)} of the training images` : '';
  const path = data.path === undefined ? '' : ` (${data.path})`;
  const own = 'test' in data ? ' unless the data has splits' : '';
  return `${data.type}${path}${part}, ${share(data.validation)} for validation${own}`;
}

function describeAdaptation({ adapt = 'none', epochs }: Pick<FileTeacher, 'adapt' | 'epochs'>): string {
  switch (adapt) {
    case 'none':
      return '';
    case 'head':
      return ', with a new head';
    case 'all':
      return `, fine-tuned${epochs === undefined ? '' : ` for ${epochsText(epochs)}`}`;
  }
}

type FileTeacher = Extract<TeacherConfig, { readonly type: 'file' }>;

function describeTrained({
  network,
  width,
  epochs,
  minutes,
}: Extract<TeacherConfig, { readonly type: 'train' }>): string {
  const wide = width === undefined ? (minutes === undefined ? ', width 1' : '') : `, width ${width}`;
  const long = epochs === undefined ? '' : `, trained for ${epochsText(epochs)}`;
  return `${network ?? 'a network of nas'}${wide}${minutes === undefined ? long : `, trained for ${counted(minutes, 'minute')}`}`;
}

function describeTeacher(teacher: TeacherConfig): string {
  switch (teacher.type) {
    case 'none':
      return 'none';
    case 'train':
      return describeTrained(teacher);
    case 'file':
      return `${teacher.path}${describeAdaptation(teacher)}`;
    case 'average':
      return `the mean of ${teacher.of.map(describeTeacher).join(' and ')}`;
  }
}

function describeSupernet(supernet: SupernetSettings): string {
  if (!isOwnSupernet(supernet)) return `of ${supernet.from}`;
  const { epochs, networks, hold } = supernet;
  return `trained for ${epochsText(epochs)}: in each step the largest network, the smallest and ${networks} others, held for ${hold} steps`;
}

/** How trials are evaluated. */
export function evaluationText({
  search: { evaluate },
  train,
}: {
  readonly search: { readonly evaluate: Evaluation };
  readonly train: Pick<TrainingExperiment['train'], 'epochs'>;
}): string {
  switch (evaluate) {
    case 'train':
      return `of ${epochsText(train.epochs)}`;
    case 'inherit':
      return `of ${epochsText(train.epochs)} from the supernet`;
    case 'supernet':
      return 'straight from the supernet';
  }
}

/** Cross-entropy of classes, and what takes its place for other tasks. */
const labelLosses: { readonly [T in TaskType]: string } = {
  classification: 'cross-entropy',
  'multi-label': 'binary cross-entropy',
  regression: "Huber's loss",
  detection: 'focal and GIoU loss',
  centroids: 'focal loss',
  segmentation: 'cross-entropy and Dice of pixels',
};

const lossText = (task: TaskType, type: LossConfig['type']): string => {
  if (type === 'cross-entropy') return labelLosses[task];
  return task === 'classification' ? type : `${type}, with ${labelLosses[task]}`;
};

/** @param workers undefined when only the run's own machine worked */
export function collectProvenance(
  store: Store,
  experiment: Experiment,
  workers: RunWorkers | undefined,
): RunProvenance {
  const { search, seed } = experiment;
  const results = generationText(store);
  const own = results === undefined ? {} : { results };
  if (isStudy(experiment)) {
    const { input, classes } = experiment.evaluate;
    return {
      ...own,
      data: `${classes} classes of images of ${input.join(' x ')}, trained elsewhere`,
      search: `${controllerTitle(search)}, ${search.trials} trials, seed ${seed}`,
    };
  }
  if (!isTrainingExperiment(experiment)) {
    const { space, objectives } = experiment;
    const columns = objectives.map(({ column }) => column).join(', ');
    return {
      ...own,
      data: `table ${basename(space.file)} (${columns})`,
      search: `${controllerTitle(search)}, ${search.trials} trials, ${search.parallel} at once (${search.order}), seed ${seed}`,
    };
  }
  const { data, teacher, train, supernet } = experiment;
  const lastEpoch = store.curves.of({ stage: 'teacher' }).at(-1);
  const task = taskOf(data);
  const reached =
    lastEpoch === undefined
      ? ''
      : `; ${scoreText(task, lastEpoch.validationAccuracy)} validation ${mainScores[task].title}`;
  return {
    ...own,
    data: describeData(data),
    teacher: `${describeTeacher(teacher)}${reached}${leftText(store)}`,
    loss: lossText(task, train.loss?.type ?? 'cross-entropy'),
    ...(supernet === undefined ? {} : { supernet: describeSupernet(supernet) }),
    search: `${controllerTitle(search)}, ${search.trials} trials ${evaluationText(experiment)}, seed ${seed}`,
    ...(workers && { workers: workersText(workers) }),
  };
}

/** From where on trainings do not learn from the teacher. */
function leftText(store: Store): string {
  const left = store.events.of('teacher-left').at(0);
  if (left === undefined) return '';
  return `; left ${left.trial === null ? 'in the final trainings' : `from trial ${left.trial} on`}, as students know more`;
}

/** Nested data as a flat list: `data.hash`. */
export function flatten(value: unknown, prefix = ''): [name: string, value: string][] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value) || typeof value !== 'object')
    return [[prefix, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, item]) => flatten(item, prefix === '' ? key : `${prefix}.${key}`));
}

/** The supernet of a run; null when there is none. */
export function collectSupernet(store: Store, experiment: Experiment): ReportSupernet | null {
  const supernet = isTrainingExperiment(experiment) ? experiment.supernet : undefined;
  if (supernet === undefined) return null;
  if (!isOwnSupernet(supernet)) return { from: supernet.from, settings: {}, epochs: null, curve: [] };
  return {
    from: null,
    settings: Object.fromEntries(flatten(supernet)),
    epochs: supernet.epochs,
    curve: store.curves.of({ stage: 'supernet' }).map(toPoint),
  };
}

/** `12 of 12 epochs; its largest network 71.20 %`. */
export function supernetText({ from, epochs, curve }: ReportSupernet, task: TaskType): string {
  if (from !== null) return `of ${from}`;
  const last = curve.at(-1);
  const reached = last === undefined ? '' : `; its largest network ${scoreText(task, last.validationAccuracy)}`;
  return `${curve.length} of ${epochs ?? 0} epochs${reached}`;
}
