import type { Choice } from '../../../experiments/page/api.js';

/** What a trial has chosen. */
export interface ChoiceCell {
  /** Null: the decision is of no part that its network has. */
  readonly choice: Choice | null;
  /** Whether it is not what most of the trials have. */
  readonly apart: boolean;
}

/** A decision, and what each trial has chosen. */
export interface DecisionRow {
  readonly decision: string;
  readonly cells: readonly ChoiceCell[];
  readonly differs: boolean;
}

/** What more than half of them are; undefined: nothing is. */
function majority<T>(values: readonly T[]): T | undefined {
  return values.find((value) => 2 * values.filter((other) => other === value).length > values.length);
}

/** The choices of trials beside each other, a row a decision. */
export const decisionRows = (
  decisions: readonly string[],
  trials: readonly Readonly<Record<string, Choice>>[],
): readonly DecisionRow[] =>
  decisions.map((decision) => {
    const choices = trials.map((chosen) => (Object.hasOwn(chosen, decision) ? chosen[decision] : null));
    const usual = majority(choices);
    const differs = choices.some((choice) => choice !== choices[0]);
    return { decision, differs, cells: choices.map((choice) => ({ choice, apart: differs && choice !== usual })) };
  });
