import type { EChartsType } from 'echarts/core';
import type { ChartOption, ScatterSeries } from './echarts.js';
import { itemOf } from './frame.js';

type Place = readonly [x: number, y: number];
type Box = readonly [left: number, top: number, right: number, bottom: number];

/** A point whose mark and intervals a label must not cover. */
interface Labelled {
  readonly label?: string;
  readonly x: number;
  readonly y: number;
  readonly intervals?: { readonly x?: Place; readonly y?: Place };
}

/** The size of labels: their height, the average width of a letter, and their distance from their marks, px. */
const [height, letter, nearest] = [12, 6.6, 4];
/** The least distance between a label and what is not its mark, px. */
const clearance = 2;
/** Where each mark has to have its label, and no place beside it is free, it may be this much farther away, px. */
const farther = 12;

/** The area of two boxes together, with the clearance. */
const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + clearance) *
  Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + clearance);

const around = ([x, y]: Place, half: number): Box => [x - half, y - half, x + half, y + half];

/** The places around a mark, from the best one, which is in the direction `aside`. */
const directions = ([x, y]: Place): readonly Place[] =>
  [x, 0, -x].flatMap((dx) => [y, 0, -y].map((dy) => [dx, dy] as const)).filter(([dx, dy]) => dx !== 0 || dy !== 0);

/** The box of a label in a direction from its mark, whose size is twice `half`. @param gap distance between the two */
function boxAt([x, y]: Place, [dx, dy]: Place, half: number, text: string, gap: number): Box {
  const width = letter * text.length;
  const centre = [
    x + dx * (half + gap + width / 2),
    y + dy * (dx === 0 ? half + gap + height / 2 : height + gap - nearest),
  ];
  return [centre[0] - width / 2, centre[1] - height / 2, centre[0] + width / 2, centre[1] + height / 2];
}

/** The first box that covers nothing; with `any`, else the one that covers least. */
function leastCovering(boxes: readonly Box[], taken: readonly Box[], any: boolean): Box | undefined {
  const covered = boxes.map((box) => taken.reduce((sum, other) => sum + overlap(box, other), 0));
  const least = Math.min(...covered);
  return any || least === 0 ? boxes[covered.indexOf(least)] : undefined;
}

const pointOf = (item: unknown): Labelled => itemOf(item, 'point') as Labelled;

/**
 * The series with an `aside`, with each label where it covers no mark, no interval and no other label. A label without such a
 * place is shown only under the pointer, or with `all` where it covers least.
 */
export function labelled(chart: EChartsType, { series }: ChartOption, all = false): ScatterSeries[] {
  const finder = { gridIndex: 0 };
  const pixel = (x: number, y: number): Place => {
    const [left, top] = chart.convertToPixel(finder, [x, y]);
    return [left, top];
  };
  const isInside = ([left, top, right, bottom]: Box): boolean =>
    chart.containPixel(finder, [left, top]) && chart.containPixel(finder, [right, bottom]);
  const own = series.flatMap((one) => (one.type === 'scatter' && one.aside !== undefined ? [one] : []));
  const taken: Box[] = own.flatMap(({ data = [], symbolSize }) =>
    (data as readonly unknown[]).flatMap((item): Box[] => {
      const { x, y, intervals } = pointOf(item);
      const bar = (from: Place, to: Place): Box => [from[0] - 1, to[1] - 1, to[0] + 1, from[1] + 1];
      return [
        around(pixel(x, y), Number(symbolSize) / 2),
        ...(intervals?.x === undefined ? [] : [bar(pixel(intervals.x[0], y), pixel(intervals.x[1], y))]),
        ...(intervals?.y === undefined ? [] : [bar(pixel(x, intervals.y[0]), pixel(x, intervals.y[1]))]),
      ];
    }),
  );
  return own.map(({ id, data = [], symbolSize, aside = [0, 0] }) => ({
    type: 'scatter',
    id,
    data: (data as readonly object[]).map((item) => {
      const { label = '', x, y } = pointOf(item);
      if (label === '') return { ...item, label: { show: false } };
      const [at, half] = [pixel(x, y), Number(symbolSize) / 2];
      const boxes = (all ? [nearest, nearest + farther] : [nearest]).flatMap((gap) =>
        directions(aside).map((direction) => boxAt(at, direction, half, label, gap)),
      );
      const box = leastCovering(boxes.filter(isInside), taken, all) ?? (all ? boxes[0] : undefined);
      if (box === undefined) return { ...item, label: { show: false } };
      taken.push(box);
      return { ...item, label: { position: [box[0] - at[0] + half, box[1] - at[1] + half] } };
    }),
  }));
}
