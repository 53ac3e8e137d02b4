import type { Store } from '../../../../store/index.js';
import type { TrialCurves, TrialsAnswer, TrialText } from '../../../page/api.js';
import { curveOf } from '../member.js';
import { collectColumns } from './columns.js';
import type { RunFacts } from './facts.js';

/** The part of a run's candidates that begins with the trial `from`, of `limit` trials at most. */
export function collectTrialsAnswer(
  store: Store,
  { from, limit }: { readonly from: number; readonly limit: number },
  facts?: RunFacts,
): TrialsAnswer {
  return store.reading(() => {
    const candidates = collectColumns(store, { from, limit }, facts);
    const total = store.overview.count();
    const next = (candidates.number.at(-1) ?? total) + 1;
    return { cursor: store.events.latest(), candidates, next: next < total ? next : null, total };
  });
}

/** What is written of the trials from a number up to another, without it. */
export const collectTexts = (store: Store, from: number, to: number): TrialText[] => store.pages.words(from, to);

/** The learning curves of trials. */
export const collectCurves = (store: Store, trials: readonly number[]): TrialCurves[] =>
  store.reading(() =>
    trials.map((number) => ({
      number,
      search: curveOf(store, 'search', number),
      final: curveOf(store, 'final', number),
      quantizeAware: curveOf(store, 'quantize-aware', number),
    })),
  );
