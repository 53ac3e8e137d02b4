import type { AskContext, TrialResult } from '../controller.js';
import { minimized, observed, type Objective } from '../objective.js';
import { observedRange } from './acquisition.js';
import type { EarlierModel } from './earlier.js';
import type { Encoded, Encoder } from './encoding.js';
import { withValue, type Models } from './models.js';
import { ObjectiveModel, type ConditionedModel } from './objective-model.js';
import type { SurrogateInputs } from './pool.js';
import { normalQuantile } from '../../base/normal.js';

/** Fewest values of an objective for which an earlier run counts. */
const fewest = 8;

/** The share of its own values that a run's model has to explain: otherwise it is noise, or nothing that decisions change. */
const leastExplained = 0.1;

/**
 * Trials with normal scores of their ranks as values (Blom 1958): other data and other trainings have other accuracies, and the differences
 * between the best networks count most.
 */
function ranked(trials: readonly TrialResult[], objective: Objective): TrialResult[] {
  const values = trials.map((trial) => observed(objective, trial) ?? 0);
  const sorted = [...values].sort((a, b) => a - b);
  return trials.map((trial, i) => {
    const rank = (sorted.indexOf(values[i]) + sorted.lastIndexOf(values[i])) / 2;
    const score = normalQuantile((rank + 0.625) / (trials.length + 0.25));
    return { ...trial, values: { [objective.name]: minimized(objective, score) } };
  });
}

/** For each objective, a model of each earlier run that has values of it. */
export const earlierModels = (
  objectives: readonly Objective[],
  runs: readonly (readonly TrialResult[])[],
  encoder: Encoder,
): readonly (readonly EarlierModel[])[] =>
  objectives.map((objective) =>
    runs.flatMap((trials) => {
      const known = ranked(withValue(trials, objective), objective);
      if (objective.cost === 'cheap' || known.length < fewest) return [];
      const model = new ObjectiveModel(objective, encoder, known);
      if (!(model.explained() > leastExplained)) return [];
      const conditioned = model.at(known, encoder.encode([]), undefined);
      const range = observedRange(known.map((trial) => observed(objective, trial) ?? 0));
      return [{ warp: conditioned.warp, range, predict: (candidates: Encoded) => conditioned.predict(candidates) }];
    }),
  );

/**
 * Models of earlier runs alone, for the first trials. They also predict the values of the networks that were asked so far. Undefined where an
 * expensive objective has no such model.
 */
export function earlierAlone(
  objectives: readonly Objective[],
  inputs: SurrogateInputs,
  earlier: readonly (readonly EarlierModel[])[],
): { readonly inputs: SurrogateInputs; readonly models: Models } | undefined {
  if (objectives.some(({ cost }, k) => cost !== 'cheap' && earlier[k].length === 0)) return undefined;
  const ranges = objectives.map((_, k) => inputs.ranges[k] ?? earlier[k].at(0)?.range);
  const at = (_: AskContext, pending: Encoded) =>
    earlier.map((models): ConditionedModel | undefined => {
      if (models.length === 0) return undefined;
      // In turns: one of them may mislead.
      const model = models[pending.count % models.length];
      return {
        warp: model.warp,
        expected: model.predict(pending),
        believed: new Map(),
        predict: (candidates) => model.predict(candidates),
      };
    });
  return { inputs: { ...inputs, ranges }, models: { at } };
}
