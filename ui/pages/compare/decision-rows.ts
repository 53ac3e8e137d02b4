import type { Choice } from '../../../experiments/page/api.js';

/** What a trial has chosen. */
export interface ChoiceCell {
  /** Null: the decision is of no part that its network has. */
  readonly choice: Choice | null;
  /** Whether it is not what the first of the trials has. */
  readonly apart: boolean;
}

/** A decision, and what each trial has chosen. */
export interface DecisionRow {
  readonly decision: string;
  readonly cells: readonly ChoiceCell[];
  readonly differs: boolean;
}

/** The choices of trials beside each other, a row a decision. */
export const decisionRows = (
  decisions: readonly string[],
  trials: readonly Readonly<Record<string, Choice>>[],
): readonly DecisionRow[] =>
  decisions.map((decision) => {
    const choices = trials.map((chosen) => (Object.hasOwn(chosen, decision) ? chosen[decision] : null));
    const cells = choices.map((choice) => ({ choice, apart: choice !== choices[0] }));
    return { decision, differs: cells.some(({ apart }) => apart), cells };
  });
