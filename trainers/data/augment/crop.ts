import { reflect, type Step, type ViewShape } from './image.js';
import type { StepConfig } from './schema.js';

/** The default shift in pixels: accurate after few epochs, in which larger shifts teach less. */
export const defaultShift = (side: number): number => Math.max(1, Math.round(side / 16));

/** Moves the image by up to `pixels` in both directions. */
export function crop({ pixels }: StepConfig<'crop'>, { height, width, drawnIn = { height, width } }: ViewShape): Step {
  const most = pixels ?? defaultShift(Math.min(drawnIn.height, drawnIn.width));
  const before = new Int32Array(Math.max(height, width));
  const shift = (axis: Int32Array, by: number): void => {
    before.set(axis);
    for (let i = 0; i < axis.length; i++) axis[i] = before[reflect(i + by, axis.length)];
  };
  return {
    kind: 'move',
    move({ rows, columns }, random) {
      shift(rows, Math.round(((random.int(2 * most + 1) - most) * height) / drawnIn.height));
      shift(columns, Math.round(((random.int(2 * most + 1) - most) * width) / drawnIn.width));
    },
  };
}
