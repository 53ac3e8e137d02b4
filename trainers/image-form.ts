import { detectionOf, type Network } from '../spaces/index.js';
import type { ImageForm } from './data/index.js';

/** The form in which a network takes images. */
export const formOf = ({ input: [height, width], head }: Pick<Network, 'input' | 'head'>): ImageForm => ({
  size: [height, width],
  stride: detectionOf({ head })?.stride,
});
