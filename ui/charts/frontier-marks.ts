import type { StoredPrecision } from '../../experiments/page/api.js';
import { seriesNames, type FrontierInput, type FrontierSeries } from './frontier-points.js';
import type { Look } from './look.js';

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
const marks: { readonly [S in FrontierSeries]: (look: Look, int8: boolean) => Mark } = {
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

export const markOf = (series: FrontierSeries, look: Look, precision: StoredPrecision | null): Mark =>
  marks[series](look, precision === 'int8');

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
