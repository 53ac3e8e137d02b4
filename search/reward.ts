import type { Told } from './controller.js';
import { type Objective, violation } from './objective.js';

/** What a policy is after: one objective as good as can be, and a target for each of the others. */
export interface Goal {
  readonly quality: Objective;
  readonly targets: readonly Target[];
}

export interface Target {
  readonly objective: Objective;
  readonly value: number;
  /** The exponents when the target is met, and when it is missed; 0 or negative. */
  readonly exponents: readonly [met: number, missed: number];
}

/** The objective that decides: the first that is known only after training. */
export const qualityOf = (objectives: readonly Objective[]): Objective =>
  objectives.find(({ cost }) => cost === 'expensive') ?? objectives[0];

/** How many times the target a value is: above 1 is worse, whichever direction is better. */
const excess = ({ objective, value: target }: Target, value: number): number =>
  objective.direction === 'minimize' ? value / target : target / value;

/**
 * The reward of MnasNet (Tan et al. 2019, equation 2): accuracy times (latency / target)^w for each target. A quality
 * that is to be minimised counts as its reciprocal. Failed trials, trials that break a constraint, and values that are
 * not positive numbers are worth 0.
 */
export function reward({ quality, targets }: Goal, objectives: readonly Objective[], told: Told): number {
  if (told.state !== 'complete' || violation(objectives, told.values) > 0) return 0;
  const value = told.values[quality.name];
  let product = quality.direction === 'maximize' ? value : 1 / value;
  for (const target of targets) {
    const times = excess(target, told.values[target.objective.name]);
    product *= times ** (times <= 1 ? target.exponents[0] : target.exponents[1]);
  }
  return Number.isFinite(product) && product > 0 ? product : 0;
}
