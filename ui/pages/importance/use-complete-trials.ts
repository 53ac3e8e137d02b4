import { useMemo } from 'preact/hooks';
import type { Choice } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import type { Candidates } from '../../data/candidates.js';
import { useSeldom } from '../../data/use-seldom.js';

/** The trials that have ended well, in the precision in which each is judged, as rows of the run's columns. */
export interface CompleteTrials {
  readonly candidates: Candidates;
  /** Rows. */
  readonly rows: readonly number[];
  /** Numbers of the trials on the frontier. */
  readonly frontier: ReadonlySet<number>;
}

/** Pictures of all trials are made anew this often at most, ms. */
const rest = 2000;

export function useCompleteTrials(): CompleteTrials {
  const { live } = useRun();
  const version = useSeldom(live.version, rest);
  const members = useSeldom(live.frontier, rest);
  return useMemo(() => {
    const { candidates } = live;
    const rows = candidates.number.flatMap((_, row) =>
      candidates.chosen[row] && candidates.state[row] === 'complete' ? [row] : [],
    );
    return { candidates, rows, frontier: new Set(members.map(({ number }) => number)) };
  }, [live, version, members]);
}

/** What a row has chosen; null where its network has no such part. */
export const choiceOf = ({ candidates }: CompleteTrials, decision: string, row: number): Choice | null =>
  candidates.choices.get(decision)?.[row] ?? null;

/** The value of an objective, or another measure, in a row; null where it is not known. */
export const valueOf = ({ candidates }: CompleteTrials, name: string, row: number): number | null =>
  candidates.values.get(name)?.[row] ?? null;
