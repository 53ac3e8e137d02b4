import type { Step } from './image.js';
import type { StepConfig } from './schema.js';

/** Mirrors half of the images, and turns half of them upside down where that is asked for. */
export const flip = ({ vertical = false }: StepConfig<'flip'>): Step => ({
  kind: 'move',
  move({ rows, columns }, random) {
    if (random.uniform() < 0.5) columns.reverse();
    if (vertical && random.uniform() < 0.5) rows.reverse();
  },
});
