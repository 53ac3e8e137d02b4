import { useEffect, useState } from 'preact/hooks';
import type { RunsAnswer } from '../../experiments/page/api.js';
import { listen, problemText } from './connection.js';

/** All runs of the folder as they stand; null until they are known. `problem`: why they may no longer be up to date. */
export function useRuns(): { readonly answer: RunsAnswer | null; readonly problem: string | null } {
  const [answer, setAnswer] = useState<RunsAnswer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(
    () =>
      listen('/api/live', {}, () => ({}), {
        runs: setAnswer,
        opened: () => setProblem(null),
        lost: (error) => setProblem(problemText(error)),
      }),
    [],
  );
  return { answer, problem };
}
