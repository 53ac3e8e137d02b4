import { useEffect, useMemo, useState } from 'preact/hooks';
import type { CandidateKey, RunId } from '../../../experiments/page/api.js';
import { get, isFinal } from '../../data/connection.js';
import { untilDone } from '../../data/until-done.js';

type Interval = readonly [low: number, high: number];

/** Members of the frontier whose intervals are shown; more would hide each other. */
const most = 40;

const nameOf = ({ number, precision }: CandidateKey): string => `${number} ${precision}`;

/** The 95 % intervals of measured latencies of networks on the frontier, fetched one after the other. */
export function useIntervals(
  run: RunId,
  members: readonly CandidateKey[],
): (key: CandidateKey) => Interval | undefined {
  const [known, setKnown] = useState<ReadonlyMap<string, Interval | null>>(new Map());
  const missing = members.slice(0, most).find((key) => !known.has(nameOf(key)));
  const name = missing === undefined ? null : nameOf(missing);
  useEffect(() => {
    if (missing === undefined) return;
    const ended = new AbortController();
    const { number, precision } = missing;
    const keep = (interval: Interval | null) => setKnown((before) => new Map([...before, [nameOf(missing), interval]]));
    const ask = async (): Promise<void> => {
      const parameters = { run, trial: number };
      const { trial } = await get('/api/runs/:run/trials/:trial', parameters, { precision }, ended.signal);
      keep(trial.latency?.interval ?? null);
    };
    void untilDone(
      () =>
        ask().catch((error: unknown) => {
          if (!isFinal(error)) throw error;
          keep(null);
        }),
      () => undefined,
      ended.signal,
    );
    return () => ended.abort();
  }, [run, name]);
  return useMemo(() => (key) => known.get(nameOf(key)) ?? undefined, [known]);
}
