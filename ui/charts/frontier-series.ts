import type { CandidateKey, Objective, StoredPrecision } from '../../experiments/page/api.js';
import type { Measures } from './axis.js';
import type { Heading } from './frame.js';
import type { ChartTheme } from './theme.js';

/** The measures that span a picture. */
export interface Plane {
  /** Null: the trial's number. */
  readonly x: string | null;
  readonly y: string;
}

/** By the first two objectives; with one, over the trials' numbers. */
export const planeOf = ([first, second]: readonly Pick<Objective, 'name'>[]): Plane => ({
  y: first.name,
  x: (second as typeof second | undefined)?.name ?? null,
});

/** What a mark is: the greater part of the trials, those on the frontier, what final trainings made of them, baselines. */
export type FrontierSeries = 'stopped' | 'trial' | 'frontier' | 'final' | 'enqueued';

/** How each is called. */
export const seriesNames: { readonly [S in FrontierSeries]: string } = {
  stopped: 'stopped early',
  trial: 'trials',
  frontier: 'frontier, in the search',
  final: 'after the final training',
  enqueued: 'given beforehand',
};

/** A network as one mark. */
export interface FrontierPoint {
  readonly series: FrontierSeries;
  /** Null: not known yet. */
  readonly key: CandidateKey | { readonly number: number; readonly precision: null };
  readonly x: number;
  readonly y: number;
  /** Its latency is predicted, not measured: a hollow mark. */
  readonly predicted: boolean;
  /** 95 % interval of x. */
  readonly low?: number;
  readonly high?: number;
  /** Of a final accuracy: what the search had found. */
  readonly from?: number;
  /** `#12`, or the name that it was given. */
  readonly label?: string;
}

/** Many marks of one kind, as columns: 50,000 of them are drawn at once. */
export interface PointCloud {
  readonly series: 'stopped' | 'trial';
  /** Null in runs that know fp32 only. */
  readonly precision: StoredPrecision | null;
  readonly predicted: boolean;
  /** x and y of each, one after the other. */
  readonly xy: Float64Array;
  readonly keyAt: (row: number) => CandidateKey;
}

/** All that the picture of a frontier is drawn from. */
export interface FrontierInput extends Heading {
  readonly points: readonly FrontierPoint[];
  readonly clouds?: readonly PointCloud[];
  readonly plane: Plane;
  /** Their constraints are drawn as bounds. */
  readonly objectives: readonly Pick<Objective, 'name' | 'direction' | 'constraint'>[];
  readonly measures: Measures;
  readonly theme: ChartTheme;
  /** Whether marks tell fp32 and int8 apart. */
  readonly precisions: boolean;
  /** Absent: logarithmic where positive values span more than a factor of thirty. */
  readonly log?: { readonly x?: boolean; readonly y?: boolean };
  /** Of the vertical axis, where it is not its measure's. */
  readonly yTitle?: string;
  /** Names of series, where they are not the usual ones. */
  readonly names?: Partial<Record<FrontierSeries, string>>;
  /** Whether many marks have no labels but the one that is pointed at; in reports, all are there. */
  readonly sparseLabels?: boolean;
}

/** How the marks of a series look. */
export interface Mark {
  readonly symbol: string;
  readonly rotate: number;
  readonly size: number;
  readonly color: string;
  readonly opacity: number;
}

const cross = 'path://M2,0L5,3L8,0L10,2L7,5L10,8L8,10L5,7L2,10L0,8L3,5L0,2Z';

const up = { symbol: 'triangle', rotate: 0 };
const down = { symbol: 'triangle', rotate: 180 };

/** Shapes and colours both tell the series apart; networks in int8 are triangles, which point down for final accuracies. */
const marks: { readonly [S in FrontierSeries]: (theme: ChartTheme, int8: boolean) => Mark } = {
  stopped: ({ fainter }) => ({ symbol: cross, rotate: 0, size: 6, color: fainter, opacity: 0.9 }),
  trial: ({ faint }, int8) => ({
    ...(int8 ? up : { symbol: 'circle', rotate: 0 }),
    size: int8 ? 7 : 6,
    color: faint,
    opacity: 0.55,
  }),
  frontier: ({ search }, int8) => ({
    ...(int8 ? up : { symbol: 'circle', rotate: 0 }),
    size: int8 ? 11 : 10,
    color: search,
    opacity: 1,
  }),
  final: ({ final }, int8) => ({
    ...(int8 ? down : { symbol: 'diamond', rotate: 0 }),
    size: int8 ? 11 : 12,
    color: final,
    opacity: 1,
  }),
  enqueued: ({ enqueued }) => ({ symbol: 'rect', rotate: 0, size: 15, color: enqueued, opacity: 1 }),
};

export const markOf = (series: FrontierSeries, theme: ChartTheme, precision: StoredPrecision | null): Mark =>
  marks[series](theme, precision === 'int8');

/** In the order in which they are drawn, and named. */
export const drawnSeries: readonly FrontierSeries[] = ['stopped', 'trial', 'frontier', 'final', 'enqueued'];

/** Where a run knows two precisions, one pair a line; what has no precision of its own follows. */
export const namedSeries: readonly FrontierSeries[] = ['trial', 'frontier', 'final', 'stopped', 'enqueued'];

/** Series whose names say the precision, where a run knows several. */
const inPrecision: ReadonlySet<FrontierSeries> = new Set(['trial', 'frontier', 'final']);

export function nameOf(
  { names, precisions }: Pick<FrontierInput, 'names' | 'precisions'>,
  series: FrontierSeries,
  precision: StoredPrecision | null,
): string {
  const name = names?.[series] ?? seriesNames[series];
  return precisions && precision !== null && inPrecision.has(series) ? `${name}: ${precision}` : name;
}
