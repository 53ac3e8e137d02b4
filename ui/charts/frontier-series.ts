import { intervalAround, placeText } from '../../base/certainty.js';
import type {
  CandidateKey,
  Certainty,
  Interval,
  Objective,
  ReportTrial,
  StoredPrecision,
} from '../../reports/page/api.js';
import { memberLabel } from '../data/measures.js';
import type { Measures } from './axis.js';
import type { Heading } from './frame.js';
import type { ChartTheme } from './theme.js';

export interface Plane {
  /** Null: the number of the trial. */
  readonly x: string | null;
  readonly y: string;
}

/** The default axes: the first two objectives, or the only one over trial numbers. */
export const planeOf = ([first, second]: readonly Pick<Objective, 'name'>[]): Plane => ({
  y: first.name,
  x: (second as typeof second | undefined)?.name ?? null,
});

export type FrontierSeries = 'stopped' | 'trial' | 'frontier' | 'final' | 'enqueued';

export const seriesNames: { readonly [S in FrontierSeries]: string } = {
  stopped: 'stopped early',
  trial: 'trials',
  frontier: 'frontier, in the search',
  final: 'after the final training',
  enqueued: 'enqueued',
};

export interface FrontierPoint {
  readonly series: FrontierSeries;
  /** A null precision is not known yet. */
  readonly key: CandidateKey | { readonly number: number; readonly precision: null };
  readonly x: number;
  readonly y: number;
  /** Whether its latency is predicted: a hollow mark. */
  readonly predicted: boolean;
  /** The 95 % intervals of x and y. */
  readonly intervals?: { readonly x?: Interval; readonly y?: Interval };
  /** Why its latency is not reliable: a hollow, dashed mark. */
  readonly unreliable?: string;
  /** On the frontier: `sure`, or the trials that may dominate it. */
  readonly place?: string;
  /** The accuracy in the search, for a final accuracy. */
  readonly from?: number;
  /** `#12`, or the name of a baseline. */
  readonly label?: string;
}

/** A candidate with its values, their provenance and their uncertainty. */
export type Plotted = Pick<ReportTrial, 'number' | 'precision' | 'values' | 'certainty' | 'rivals'> &
  Partial<Pick<ReportTrial, 'provenance'>>;

/** The mark of a candidate; null where it lacks a value. */
export function pointOf(candidate: Plotted, plane: Plane, series: FrontierSeries): FrontierPoint | null {
  const { number, precision = null, values, provenance = {}, certainty = {}, rivals = [] } = candidate;
  const valueAt = (name: string): number | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);
  const [x, y] = [plane.x === null ? number : valueAt(plane.x), valueAt(plane.y)];
  if (x === undefined || y === undefined) return null;
  const predicted = [plane.x, plane.y].some((name) => name !== null && provenance[name] === 'predicted');
  const known = (name: string | null) => (name === null ? undefined : (certainty[name] as Certainty | undefined));
  const [across, upright] = [known(plane.x), known(plane.y)];
  const unreliable = across?.unreliable ?? upright?.unreliable;
  return {
    series,
    key: { number, precision },
    x,
    y,
    predicted,
    ...(series === 'frontier' && {
      intervals: { ...(across && { x: across.interval }), ...(upright && { y: upright.interval }) },
      place: placeText({ rivals, certainty }),
    }),
    ...(unreliable !== undefined && { unreliable }),
  };
}

/** The accuracy of a final training. */
interface Final {
  readonly accuracy: number | null;
  readonly standardError?: number | null;
}

/**
 * The marks of a member: in the search, and after the final training. The upper one has the label.
 * @param final null where the vertical axis is no accuracy
 */
export function memberPoints(member: Plotted, plane: Plane, final: Final | null): readonly FrontierPoint[] {
  const at = pointOf(member, plane, 'frontier');
  if (at === null) return [];
  const { accuracy = null, standardError: error } = final ?? {};
  const label = memberLabel(member.number, member);
  if (accuracy === null) return [{ ...at, label }];
  const isUpper = accuracy >= at.y;
  // The final accuracy has an error bar; a second one beside it would be hard to read.
  const { intervals: { x: across } = {}, ...rest } = at;
  return [
    { ...at, intervals: { ...(across && { x: across }) }, ...(!isUpper && { label }) },
    {
      ...rest,
      series: 'final',
      y: accuracy,
      from: at.y,
      predicted: false,
      ...(typeof error === 'number' && { intervals: { y: intervalAround(accuracy, error) } }),
      ...(isUpper && { label }),
    },
  ];
}

/** Many marks of one kind, as a typed array: there may be 50,000. */
export interface PointCloud {
  readonly series: 'stopped' | 'trial';
  /** Null in runs with fp32 only. */
  readonly precision: StoredPrecision | null;
  readonly predicted: boolean;
  /** Whether their latencies are measured, but not reliable. */
  readonly unreliable?: boolean;
  /** x and y alternate. */
  readonly xy: Float64Array;
  readonly keyAt: (row: number) => CandidateKey;
  /** Why the latency of a mark is not reliable. */
  readonly unreliableAt?: (row: number) => string | undefined;
}

export interface FrontierInput extends Heading {
  readonly points: readonly FrontierPoint[];
  readonly clouds?: readonly PointCloud[];
  /** The frontier's line joins these members. Default: the members in `points`. */
  readonly members?: readonly { readonly x: number; readonly y: number }[];
  readonly plane: Plane;
  /** Their constraints are drawn. */
  readonly objectives: readonly Pick<Objective, 'name' | 'direction' | 'constraint'>[];
  readonly measures: Measures;
  readonly theme: ChartTheme;
  /** Whether marks distinguish fp32 and int8. */
  readonly precisions: boolean;
  /** Default: x is logarithmic where `spansDecades` holds. */
  readonly log?: { readonly x?: boolean; readonly y?: boolean };
  /** Replaces the title of the vertical axis. */
  readonly yTitle?: string;
  readonly names?: Partial<Record<FrontierSeries, string>>;
  /** Whether many marks show a label only under the pointer; reports show all. */
  readonly sparseLabels?: boolean;
}

/** The look of a series' marks. */
interface Mark {
  readonly symbol: string;
  readonly rotate: number;
  readonly size: number;
  readonly color: string;
  readonly opacity: number;
}

const cross = 'path://M2,0L5,3L8,0L10,2L7,5L10,8L8,10L5,7L2,10L0,8L3,5L0,2Z';

const up = { symbol: 'triangle', rotate: 0 };
const down = { symbol: 'triangle', rotate: 180 };

/** Shapes and colours both distinguish the series; int8 networks are triangles, pointing down for final accuracies. */
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

export const drawnSeries: readonly FrontierSeries[] = ['stopped', 'trial', 'frontier', 'final', 'enqueued'];

/** In the legend's order for two precisions: the series with a pair of names come first. */
export const namedSeries: readonly FrontierSeries[] = ['trial', 'frontier', 'final', 'stopped', 'enqueued'];

/** Series whose names include the precision in a run with several. */
const inPrecision: ReadonlySet<FrontierSeries> = new Set(['trial', 'frontier', 'final']);

export function nameOf(
  { names, precisions }: Pick<FrontierInput, 'names' | 'precisions'>,
  series: FrontierSeries,
  precision: StoredPrecision | null,
): string {
  const name = names?.[series] ?? seriesNames[series];
  return precisions && precision !== null && inPrecision.has(series) ? `${name}: ${precision}` : name;
}
