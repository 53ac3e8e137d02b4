import type { Step } from './image.js';

/** Mirrors half of the images. */
export const flip = (): Step => ({
  kind: 'move',
  move({ columns }, random) {
    if (random.uniform() < 0.5) columns.reverse();
  },
});
