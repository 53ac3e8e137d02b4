/** What noise leaves open about a frontier. */
import { type Certainty, type Estimate, surelyBetter } from '../../base/certainty.js';
import { type Judged, judgedPoint } from '../../search/frontier.js';
import type { Objective } from '../../search/index.js';

/** A candidate with the certainty of each value that has one. */
export interface Estimated extends Judged {
  readonly number: number;
  readonly certainty?: Readonly<Record<string, Certainty>> | undefined;
}

const estimateOf = ({ values, certainty }: Estimated, name: string): Estimate => ({
  value: values[name],
  certainty: certainty?.[name],
});

/** Whether `a` is better than `b` in an objective by more than noise. */
const surelyBetterIn = ({ name, direction }: Objective, a: Estimated, b: Estimated): boolean =>
  surelyBetter(direction, estimateOf(a, name), estimateOf(b, name));

/**
 * Whether noise decides that `member` is on a frontier beside `other`: `other` differs from it, and `member` is surely
 * better in no objective.
 */
const isRival = (member: Estimated, other: Estimated, objectives: readonly Objective[]): boolean =>
  objectives.some(({ name }) => member.values[name] !== other.values[name]) &&
  !objectives.some((objective) => surelyBetterIn(objective, member, other));

/** Numbers of the trials that may dominate a member within the intervals; its place is sure without any. */
export const rivalsOf = (
  member: Estimated,
  candidates: readonly Estimated[],
  objectives: readonly Objective[],
): number[] => [
  ...new Set(
    candidates
      .filter((other) => other.number !== member.number && judgedPoint(other, objectives) !== undefined)
      .filter((other) => isRival(member, other, objectives))
      .map(({ number }) => number),
  ),
];

/** Candidates that may be on the frontier: no member dominates them by more than noise. Members are among them. */
export const contenders = <T extends Estimated>(
  candidates: readonly T[],
  members: readonly Estimated[],
  objectives: readonly Objective[],
): T[] =>
  candidates.filter(
    (candidate) =>
      !members.some(
        (member) =>
          objectives.every(({ name, direction }) =>
            direction === 'minimize'
              ? member.values[name] <= candidate.values[name]
              : member.values[name] >= candidate.values[name],
          ) && objectives.some((objective) => surelyBetterIn(objective, member, candidate)),
      ),
  );
