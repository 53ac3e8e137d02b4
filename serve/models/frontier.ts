import { isDeepStrictEqual } from 'node:util';
import { invalidInput } from '../../base/errors.js';
import type { Frontier, Model } from './model.js';

const shown = (classes: readonly string[]): string =>
  classes.length <= 5 ? classes.join(', ') : `${classes.slice(0, 5).join(', ')} and ${classes.length - 5} more`;

/**
 * Models as they are served together.
 * @throws NasError `invalid-input` when there is none, or when those of known accuracy have different classes: which of
 *   them answers must not change what an answer means.
 */
export function frontierOf(models: readonly Model[]): Frontier {
  if (models.length === 0) throw invalidInput('there is no model to serve');
  const sorted = models.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (sorted.length === 1) return { models: sorted, choice: sorted };
  const choice = sorted.filter(({ accuracy }) => accuracy !== null);
  const other = choice.find(({ classes }) => !isDeepStrictEqual(classes, choice[0].classes));
  if (other === undefined) return { models: sorted, choice };
  const [first] = choice;
  throw invalidInput(
    `${first.file} and ${other.file} have different classes: ${shown(first.classes)}; ${shown(other.classes)}`,
    { hint: 'Serve each of them from a folder of its own, on a port of its own.' },
  );
}
