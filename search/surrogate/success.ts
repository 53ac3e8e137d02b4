import type { Told } from '../controller.js';
import type { Encoded, Encoder } from './encoding.js';
import { GaussianProcess } from './gaussian-process.js';
import { priorOf } from './hyperparameters.js';
import { Kernel } from './kernel.js';

/** No candidate is given up entirely. */
const least = 0.02;
/** So many of the latest trials are looked at. */
const memory = 200;

/** Whether training gave nothing to learn from. */
const failed = ({ state }: Told): boolean => state === 'failed';

/**
 * How likely a candidate is to be trained without failing: the labels 1 and 0 of past trials, smoothed by a Gaussian
 * process (least-squares classification, Rasmussen & Williams 2006, section 6.5); undefined when nothing failed yet.
 */
export function successOf(
  history: readonly Told[],
  encoder: Encoder,
): ((candidates: Encoded) => (candidate: number) => number) | undefined {
  if (!history.some(failed)) return undefined;
  const latest = history.slice(-memory);
  const kernel = new Kernel(encoder, priorOf(encoder).mean);
  const process = new GaussianProcess(kernel, encoder.width, encoder.distances.length);
  const encoded = encoder.encode(latest.map(({ genotype }) => genotype));
  for (const [i, told] of latest.entries()) process.observe(encoded, i, failed(told) ? -1 : 0);
  return (candidates) => {
    const mean = process.meanOf(candidates);
    return (candidate) => Math.min(1, Math.max(least, 1 + mean(candidate)));
  };
}
