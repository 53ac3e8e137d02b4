import type { Store } from '../../../store/index.js';
import { isOwnSupernet, isTableExperiment } from '../../kinds.js';
import type { Experiment } from '../../schema.js';
import type { ReportSupernet } from '../data.js';
import { percent } from '../format.js';
import { flatten } from './provenance.js';

/** What is known of the supernet of a run; null when it has none. */
export function collectSupernet(store: Store, experiment: Experiment): ReportSupernet | null {
  const supernet = isTableExperiment(experiment) ? undefined : experiment.supernet;
  if (supernet === undefined) return null;
  if (!isOwnSupernet(supernet)) return { from: supernet.from, settings: {}, epochs: null, curve: [] };
  return {
    from: null,
    settings: Object.fromEntries(flatten(supernet)),
    epochs: supernet.epochs,
    curve: store.curves
      .of({ stage: 'supernet' })
      .map(({ epoch, trainLoss, validationAccuracy }) => ({ epoch, trainLoss, validationAccuracy })),
  };
}

/** The same in a line: `12 of 12 epochs; its largest network 71.20 %`. */
export function supernetText({ from, epochs, curve }: ReportSupernet): string {
  if (from !== null) return `of ${from}`;
  const last = curve.at(-1);
  const reached = last === undefined ? '' : `; its largest network ${percent(last.validationAccuracy)}`;
  return `${curve.length} of ${epochs ?? 0} epochs${reached}`;
}
