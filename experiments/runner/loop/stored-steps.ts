import type { Step, Values } from '../../../search/index.js';
import type { Store, TrialRecord } from '../../../store/index.js';
import type { Evaluator } from './evaluators/index.js';
import { plainValues } from './frontier.js';
import { StepLog } from './step-log.js';

const isFinished = ({ state }: TrialRecord): boolean => state !== 'waiting' && state !== 'running';

/** What a promotion leaves in the store's history besides its trial. */
export interface Promotion {
  readonly epochs: number;
  readonly reason: string;
}

/**
 * The steps that a store knows of: each trial's first when it was asked, each other when it was promoted; with the results
 * of those that are done.
 * @param trials all of the store's, by number.
 * @param first epochs of a trial's first step.
 */
export function storedSteps(
  store: Store,
  trials: readonly TrialRecord[],
  first: number,
  evaluator: Evaluator,
): StepLog {
  const log = new StepLog();
  for (const { kind, trial, detail } of store.events.of('asked', 'promoted')) {
    if (trial === null) continue;
    if (kind === 'asked') log.add({ trial, epochs: first });
    // Written by the search.
    if (kind === 'promoted') log.add({ trial, epochs: (detail as Promotion).epochs });
  }
  for (const [i, step] of log.steps.entries()) {
    const result = resultOf(trials[step.trial], step, log.latest(step.trial) === i, evaluator);
    if (result !== undefined) log.finish(i, result);
  }
  return log;
}

/** What came of a step; null when its trial ended without values, undefined when it is not done. */
function resultOf(trial: TrialRecord, step: Step, isLast: boolean, evaluator: Evaluator): Values | null | undefined {
  const ended = isFinished(trial);
  if (isLast && trial.state === 'complete') return trial.told;
  // It ended in this step, whatever epochs it may have done before.
  if (isLast && trial.state === 'failed') return null;
  // The last step of a training leaves more behind than its epochs: until it has its outcome, it is not done.
  const isWhole = step.epochs >= (evaluator.epochs ?? step.epochs);
  const stored = isWhole ? undefined : evaluator.recall?.(trial, step.epochs);
  return stored === undefined ? (ended ? null : undefined) : plainValues(stored);
}
