import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { accuracyAmong } from '../../experiments/schema/measures.js';
import type { TrialRecord } from '../../store/index.js';
import type { NetworkTeacher } from '../../trainers/index.js';
import { plainValues } from '../stored/candidates.js';
import type { Finalist } from './final-training.js';

/**
 * The final trainings in rounds that follow each other. Where the frontier teaches, the first round has the most accurate networks of the
 * search, as many as train at once; else one round has all.
 */
export function roundsOf(
  { final, search }: Pick<TrainingExperiment, 'final' | 'search'>,
  trials: readonly TrialRecord[],
): readonly (readonly TrialRecord[])[] {
  if (final?.teacher !== 'frontier') return [trials];
  const scoreOf = ({ values }: TrialRecord): number => accuracyAmong(plainValues(values)) ?? 0;
  const ordered = [...trials].sort((a, b) => scoreOf(b) - scoreOf(a) || a.number - b.number);
  return [ordered.slice(0, search.parallel), ordered.slice(search.parallel)].filter(({ length }) => length > 0);
}

/** The most accurate finalist as a teacher; undefined where no final training ended well. */
export function bestTeacher(finalists: readonly Finalist[]): NetworkTeacher | undefined {
  const trained = finalists.flatMap(({ trial, network, final }) => (final === null ? [] : [{ trial, network, final }]));
  const best = trained.sort((a, b) => b.final.accuracy - a.final.accuracy || a.trial.number - b.trial.number).at(0);
  return (
    best && { type: 'network', name: `trial ${best.trial.number}`, network: best.network, weights: best.final.weights }
  );
}
