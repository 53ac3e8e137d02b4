import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Choice } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import type { Candidates } from '../../data/candidates.js';

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
  const version = live.version.value;
  const members = live.frontier.value;
  const [shown, setShown] = useState({ version, members });
  const first = shown.version === 0;
  useEffect(() => {
    if (shown.version === version && shown.members === members) return;
    const timer = setTimeout(
      () => setShown({ version: live.version.value, members: live.frontier.value }),
      first ? 0 : rest,
    );
    return () => clearTimeout(timer);
    // A version after this one must not put the next picture off.
  }, [shown, shown.version === version && shown.members === members]);
  return useMemo(() => {
    const { candidates } = live;
    const rows = candidates.number.flatMap((_, row) =>
      candidates.chosen[row] && candidates.state[row] === 'complete' ? [row] : [],
    );
    return { candidates, rows, frontier: new Set(shown.members.map(({ number }) => number)) };
  }, [live, shown]);
}

/** What a row has chosen; null where its network has no such part. */
export const choiceOf = ({ candidates }: CompleteTrials, decision: string, row: number): Choice | null =>
  candidates.choices.get(decision)?.[row] ?? null;

/** The value of an objective, or another measure, in a row; null where it is not known. */
export const valueOf = ({ candidates }: CompleteTrials, name: string, row: number): number | null =>
  candidates.values.get(name)?.[row] ?? null;
