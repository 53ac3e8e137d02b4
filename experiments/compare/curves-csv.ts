import { csvLine } from '../../base/text.js';
import type { MethodSummary } from './summary.js';

/** The curves as CSV: hypervolume after each evaluation, of each variant and (with several) of their mean. */
export function curvesCsv(methods: readonly MethodSummary[]): string {
  const head = csvLine(['method', 'variant', 'evaluations', 'low', 'median', 'high']);
  const lines = methods.flatMap(({ method, variants, curve }) =>
    [...variants, ...(variants.length > 1 ? [{ name: 'mean', curve }] : [])].flatMap((each) =>
      each.curve.map(({ low, median, high }, n) => csvLine([method, each.name, n + 1, low, median, high])),
    ),
  );
  return [head, ...lines].join('');
}
