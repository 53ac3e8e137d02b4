/** Which axes can be zoomed. */
export type Zoom = 'x' | 'xy';

const axesOf: { readonly [Z in Zoom]: readonly string[] } = { x: ['xAxisIndex'], xy: ['xAxisIndex', 'yAxisIndex'] };

/**
 * The wheel zooms with Ctrl held, or by a pinch, as it scrolls the page otherwise; dragging moves; each axis has its own part
 * in view.
 */
export const zoomOption = (zoom: Zoom | undefined) =>
  zoom === undefined
    ? {}
    : {
        dataZoom: axesOf[zoom].map((axis) => ({
          type: 'inside' as const,
          id: axis,
          [axis]: 0,
          filterMode: 'none' as const,
          throttle: 50,
          zoomOnMouseWheel: 'ctrl' as const,
          preventDefaultMouseMove: false,
        })),
      };

/** The part of an axis that is shown, in percent of the whole. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A part greater or smaller around its middle, or moved by a share of itself; it stays inside the whole. */
export function changed({ start, end }: Range, { factor = 1, move = 0 }: { factor?: number; move?: number }): Range {
  const half = Math.min(50, (factor * (end - start)) / 2);
  const middle = (start + end) / 2 + move * (end - start);
  const inside = Math.min(100 - half, Math.max(half, middle));
  return { start: inside - half, end: inside + half };
}
