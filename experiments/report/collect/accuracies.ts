import type { Store } from '../../../store/index.js';
import { isAccuracy } from '../../measures.js';

/** How accurate the network of a trial is in the end, each share in [0, 1]. */
export interface TrialAccuracy {
  readonly trial: number;
  readonly genotypeId: string;
  /** Which accuracy it is: `accuracy` of a network trained to its end, `supernet_accuracy` of a slice as it is, ... */
  readonly measure: string;
  /** On the validation split. */
  readonly accuracy: number;
  readonly testAccuracy: number | null;
}

/**
 * The complete trials of a run, the most accurate first: those that had a final training by what it came to, or all by
 * the search's accuracy where none had. The two are never compared.
 */
export function trialsByAccuracy(store: Store): TrialAccuracy[] {
  // Of a trial's records, that of the float network: it is what others are compared with, and comes first.
  const finals = new Map(
    store.finals
      .all()
      .toReversed()
      .map((record) => [record.trial, record]),
  );
  const isFinal = [...finals.values()].some(({ accuracy }) => accuracy !== null);
  return store.trials
    .all()
    .flatMap(({ number: trial, genotypeId, state, values: chosen, variants }): TrialAccuracy[] => {
      const values = { ...chosen, ...variants.find(({ precision }) => precision === 'fp32')?.values };
      const final = finals.get(trial);
      const searched = Object.entries(values).find(([name]) => isAccuracy(name));
      const measure = isFinal ? 'accuracy' : searched?.[0];
      const accuracy = isFinal ? final?.accuracy : searched?.[1].value;
      if (state !== 'complete' || measure === undefined || accuracy === null || accuracy === undefined) return [];
      return [{ trial, genotypeId, measure, accuracy, testAccuracy: final?.testAccuracy ?? null }];
    })
    .sort((a, b) => b.accuracy - a.accuracy || a.trial - b.trial);
}
