import type { Unit } from '../../base/number-text.js';
import type { Objective, Values } from '../../search/index.js';
import type { EdgeSizes } from '../../deploy/index.js';
import type { Costs } from '../../spaces/index.js';
import type { ObjectiveValues, Provenance, StoredPrecision } from '../../store/index.js';
import { mainScores, metricTexts, type Metric } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { DataConfig } from '../../trainers/index.js';

/** Evaluation of candidates: training from scratch, training from the supernet's slice, or the slice as it is. */
export const evaluations = ['train', 'inherit', 'supernet'] as const;
export type Evaluation = (typeof evaluations)[number];

/** Origin of a measure's values. */
export type MeasureSource =
  | { readonly kind: 'costs'; readonly of: (costs: Costs, precision: StoredPrecision) => number }
  /** Of the int8 program for microcontrollers; found only where an experiment asks for it. */
  | { readonly kind: 'memory'; readonly of: (sizes: EdgeSizes) => number }
  /** Of the int8 program, counted by QEMU. */
  | { readonly kind: 'instructions' }
  | { readonly kind: 'latency' }
  /** The main score of a task, by how candidates are evaluated, or a further metric. */
  | { readonly kind: 'training'; readonly evaluation: Evaluation; readonly task: TaskType }
  | { readonly kind: 'training'; readonly metric: Metric };

export type SourceKind = MeasureSource['kind'];

export interface Measure {
  readonly direction: Objective['direction'];
  readonly unit: Unit;
  readonly title: string;
  readonly source: MeasureSource;
}

/** Properties of all values of a source. */
export interface Moment {
  /** When a value is known, as text. */
  readonly known: string;
  /** The earliest cost class for controllers. */
  readonly cost: Objective['cost'];
  /** Provenance of final values; latencies may also be predicted, or imported from a table. */
  readonly provenance: Provenance;
}

/** Sources in the order in which a trial is evaluated. */
export const moments: { readonly [K in SourceKind]: Moment } = {
  costs: { known: 'of every candidate', cost: 'cheap', provenance: 'computed' },
  memory: { known: 'of every candidate', cost: 'cheap', provenance: 'computed' },
  instructions: { known: 'of each trial, before training', cost: 'untrained', provenance: 'computed' },
  latency: { known: 'of every candidate, predicted; measured of each trial', cost: 'cheap', provenance: 'measured' },
  training: { known: 'after training', cost: 'expensive', provenance: 'measured' },
};

const cost = (
  unit: Measure['unit'],
  title: string,
  of: (costs: Costs, precision: StoredPrecision) => number,
): Measure => ({
  direction: 'minimize',
  unit,
  title,
  source: { kind: 'costs', of },
});

const memory = (title: string, of: (sizes: EdgeSizes) => number): Measure => ({
  direction: 'minimize',
  unit: 'bytes',
  title,
  source: { kind: 'memory', of },
});

const kinds: { readonly [E in Evaluation]: string } = { train: '', inherit: 'inherited ', supernet: 'supernet ' };

const mainScore = (task: TaskType, evaluation: Evaluation = 'train'): Measure => ({
  direction: 'maximize',
  unit: mainScores[task].unit,
  title: `${kinds[evaluation]}${mainScores[task].title}`,
  source: { kind: 'training', evaluation, task },
});

const metric = (name: Metric, direction: Measure['direction'] = 'maximize'): Measure => {
  const [title, unit] = metricTexts[name];
  return { direction, unit, title, source: { kind: 'training', metric: name } };
};

/** Metrics of classes of unequal size and of labels; the error of numbers; exact and final boxes. */
const metrics: { readonly [M in Metric]: Measure } = {
  balanced_accuracy: metric('balanced_accuracy'),
  macro_f1: metric('macro_f1'),
  worst_recall: metric('worst_recall'),
  mae: metric('mae', 'minimize'),
  ap: metric('ap'),
  f1: metric('f1'),
  worst_iou: metric('worst_iou'),
  pixel_accuracy: metric('pixel_accuracy'),
};

/** All built-in measures, which experiments can use as objectives. */
export const measures = {
  accuracy: mainScore('classification'),
  inherited_accuracy: mainScore('classification', 'inherit'),
  supernet_accuracy: mainScore('classification', 'supernet'),
  map: mainScore('multi-label'),
  inherited_map: mainScore('multi-label', 'inherit'),
  supernet_map: mainScore('multi-label', 'supernet'),
  r2: mainScore('regression'),
  inherited_r2: mainScore('regression', 'inherit'),
  supernet_r2: mainScore('regression', 'supernet'),
  ap50: mainScore('detection'),
  inherited_ap50: mainScore('detection', 'inherit'),
  supernet_ap50: mainScore('detection', 'supernet'),
  centroid_f1: mainScore('centroids'),
  inherited_centroid_f1: mainScore('centroids', 'inherit'),
  supernet_centroid_f1: mainScore('centroids', 'supernet'),
  miou: mainScore('segmentation'),
  inherited_miou: mainScore('segmentation', 'inherit'),
  supernet_miou: mainScore('segmentation', 'supernet'),
  ...metrics,
  latency_ms: {
    direction: 'minimize',
    unit: 'ms',
    title: 'latency',
    source: { kind: 'latency' },
  },
  macs: cost('count', 'MACs', ({ macs }) => macs),
  params: cost('count', 'parameters', ({ params }) => params),
  activation_bytes: cost('bytes', 'activation memory', ({ activationBytes }) => activationBytes),
  size_bytes: cost('bytes', 'model size', ({ sizeBytes, int8SizeBytes }, precision) =>
    precision === 'int8' ? int8SizeBytes : sizeBytes,
  ),
  sram_bytes: memory('SRAM', ({ sramBytes }) => sramBytes),
  flash_bytes: memory('flash', ({ flashBytes }) => flashBytes),
  instructions: {
    direction: 'minimize',
    unit: 'count',
    title: 'instructions',
    source: { kind: 'instructions' },
  },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof measures;

/** The measure of a name; undefined for users' own objectives. */
export const measureNamed = (name: string): Measure | undefined =>
  Object.hasOwn(measures, name) ? measures[name as MeasureName] : undefined;

/** Whether a value follows from the network alone. */
export function isComputed(name: string): boolean {
  const kind = measureNamed(name)?.source.kind;
  return kind === 'costs' || kind === 'memory';
}

export const measuresOf = <K extends SourceKind>(
  kind: K,
): (readonly [name: string, source: Extract<MeasureSource, { kind: K }>])[] =>
  Object.entries<Measure>(measures).flatMap(([name, { source }]) =>
    source.kind === kind ? [[name, source as Extract<MeasureSource, { kind: K }>] as const] : [],
  );

/** The main scores: kinds of accuracy, or the score of another task. They are not comparable; a run has one of them. */
const accuracies = measuresOf('training').flatMap(([name, source]) =>
  'evaluation' in source ? [{ name, ...source }] : [],
);

export const isAccuracy = (name: string): boolean => accuracies.some((one) => one.name === name);

/** The task of a data set. */
export function taskOf(data: DataConfig): TaskType {
  if (data.type === 'masks') return 'segmentation';
  if (data.type === 'boxes') return data.task ?? 'detection';
  return (data.type === 'list' ? data.task : undefined) ?? 'classification';
}

/** Whether a name is a main score that trainings find, and no shared weights. */
export const isTrainedScore = (name: string): boolean =>
  accuracies.some((one) => one.name === name && one.evaluation === 'train');

/** The main score of a task that an evaluation finds. */
export function accuracyOf(evaluation: Evaluation, task: TaskType = 'classification'): MeasureName {
  const found = accuracies.find((one) => one.evaluation === evaluation && one.task === task);
  if (found === undefined) throw new Error(`no measure of a ${task} is made by ${evaluation}`);
  return found.name as MeasureName;
}

/** Main scores with a shorter name in experiments: a run has one F1. */
export const shortNames: { readonly [T in TaskType]?: string } = { centroids: 'f1' };

/** The main score among values. */
export function accuracyAmong<T>(values: Readonly<Record<string, T>>): T | undefined {
  const name = Object.keys(values).find(isAccuracy);
  return name === undefined ? undefined : values[name];
}

/** The default objective of a measure. */
export function objectiveOf(name: MeasureName): Objective & { readonly name: MeasureName } {
  const { direction, source } = measures[name];
  return { name, direction, cost: moments[source.kind].cost };
}

/** Results of a validation. */
export interface Validated {
  readonly accuracy: number;
  /** By name. */
  readonly metrics: Values;
}

interface Trained {
  readonly data: DataConfig;
  readonly search: { readonly evaluate: Evaluation };
}

/** Values of a validation as stored: the main score by the name that belongs to task and evaluation, and further metrics. */
export const trainedValues = ({ data, search }: Trained, { accuracy, metrics: further }: Validated): ObjectiveValues =>
  valuesFrom('training', { [accuracyOf(search.evaluate, taskOf(data))]: accuracy, ...further });

/** Values of a source with their provenance, as stored. */
export const valuesFrom = (kind: SourceKind, values: Values): ObjectiveValues => {
  const { provenance } = moments[kind];
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, provenance }]));
};
