import type { Unit } from '../../base/number-text.js';
import type { Objective, Values } from '../../search/index.js';
import type { Costs } from '../../spaces/index.js';
import type { ObjectiveValues, Provenance, StoredPrecision } from '../../store/index.js';
import type { ProxyName } from '../../trainers/index.js';

/**
 * How a candidate comes to its accuracy: trained from nothing, trained from its slice of the supernet, or the slice as
 * it is.
 */
export const evaluations = ['train', 'inherit', 'supernet'] as const;
export type Evaluation = (typeof evaluations)[number];

/** What makes the values of a measure. */
export type MeasureSource =
  | { readonly kind: 'costs'; readonly of: (costs: Costs, precision: StoredPrecision) => number }
  | { readonly kind: 'proxy'; readonly proxy: ProxyName }
  | { readonly kind: 'latency' }
  | { readonly kind: 'training'; readonly evaluation: Evaluation };

export type SourceKind = MeasureSource['kind'];

/** A number that is known of networks, before anybody writes down what is wanted of it. */
export interface Measure {
  readonly direction: Objective['direction'];
  /** Unit of the value, and how people read it. */
  readonly unit: Unit;
  readonly title: string;
  readonly source: MeasureSource;
}

/** What holds for all values of a source. */
export interface Moment {
  /** When a value is known, in words. */
  readonly known: string;
  /** The same as controllers see it: at the earliest. */
  readonly cost: Objective['cost'];
  /** Of its values as they are in the end; a latency may also be predicted, or imported from a table. */
  readonly provenance: Provenance;
}

/** When the values of each source are known; the earliest first, which is the order in which a trial is looked at. */
export const moments: { readonly [K in SourceKind]: Moment } = {
  costs: { known: 'of every candidate', cost: 'cheap', provenance: 'computed' },
  proxy: { known: 'of each trial, before training', cost: 'untrained', provenance: 'computed' },
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

/** What untrained networks tell; the larger, the better. */
const proxy = (name: ProxyName, title: string): Measure => ({
  direction: 'maximize',
  unit: 'score',
  title,
  source: { kind: 'proxy', proxy: name },
});

const proxies: { readonly [P in ProxyName]: Measure } = {
  synflow: proxy('synflow', 'synaptic flow'),
  gradnorm: proxy('gradnorm', 'gradient norm'),
  snip: proxy('snip', 'SNIP'),
  naswot: proxy('naswot', 'NASWOT'),
};

const accuracy = (title: string, evaluation: Evaluation) =>
  ({ direction: 'maximize', unit: 'share', title, source: { kind: 'training', evaluation } }) as const;

/** Every measure of this project's own: what an experiment can name as an objective, and more can be added here only. */
export const measures = {
  accuracy: accuracy('accuracy', 'train'),
  inherited_accuracy: accuracy('inherited accuracy', 'inherit'),
  supernet_accuracy: accuracy('supernet accuracy', 'supernet'),
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
  ...proxies,
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof measures;

/** The measure of a name; undefined for what users name themselves. */
export const measureNamed = (name: string): Measure | undefined =>
  Object.hasOwn(measures, name) ? measures[name as MeasureName] : undefined;

/** The measures that a source makes, by name. */
export const measuresOf = <K extends SourceKind>(
  kind: K,
): (readonly [name: string, source: Extract<MeasureSource, { kind: K }>])[] =>
  Object.entries<Measure>(measures).flatMap(([name, { source }]) =>
    source.kind === kind ? [[name, source as Extract<MeasureSource, { kind: K }>] as const] : [],
  );

/** The accuracies, which never stand for each other: a run has values of one of them. */
const accuracyNames = measuresOf('training').map(([name]) => name);

/** Whether a name is that of an accuracy, of whatever kind. */
export const isAccuracy = (name: string): boolean => accuracyNames.includes(name);

/** The name of the accuracy that an evaluation finds. */
export function accuracyOf(evaluation: Evaluation): string {
  const found = measuresOf('training').find(([, source]) => source.evaluation === evaluation);
  if (found === undefined) throw new Error(`no measure is made by ${evaluation}`);
  return found[0];
}

/** The accuracy among values by name, of whichever kind it is. */
export function accuracyAmong<T>(values: Readonly<Record<string, T>>): T | undefined {
  const name = Object.keys(values).find(isAccuracy);
  return name === undefined ? undefined : values[name];
}

/** An objective as its measure means it, if nothing else is written. */
export function objectiveOf(name: MeasureName): Objective & { readonly name: MeasureName } {
  const { direction, source } = measures[name];
  return { name, direction, cost: moments[source.kind].cost };
}

/** Values of a source as they are kept, with where they come from. */
export const valuesFrom = (kind: SourceKind, values: Values): ObjectiveValues => {
  const { provenance } = moments[kind];
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, provenance }]));
};
