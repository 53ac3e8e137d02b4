import type { RungResult, Standing } from './scheduler.js';

/** How far the trials of a search are; of each its latest result that is known. */
export interface Progress {
  /** The results of each trial, by ascending epochs. */
  readonly stages: readonly (readonly RungResult[])[];
  /** Trained to their end. */
  readonly whole: readonly RungResult[];
  /** On their way to the next rung. */
  readonly going: readonly RungResult[];
  /** At a rung, neither sent on nor stopped. */
  readonly paused: readonly RungResult[];
}

/** @param epochs of a whole training. */
export function progressOf({ results, steps, ended }: Standing, epochs: number): Progress {
  const stages = new Map<number, RungResult[]>();
  for (const result of results) {
    const own = stages.get(result.trial);
    if (own === undefined) stages.set(result.trial, [result]);
    else own.push(result);
  }
  const sentTo = new Map(steps.map(({ trial, epochs: to }) => [trial, to]));
  const latest = [...stages.values()].flatMap((own) => own.slice(-1));
  const isGoing = ({ trial, epochs: here }: RungResult): boolean => (sentTo.get(trial) ?? here) > here;
  const unfinished = latest.filter(({ trial, epochs: here }) => here < epochs && !ended.has(trial));
  return {
    stages: [...stages.values()],
    whole: latest.filter(({ epochs: here }) => here === epochs),
    going: unfinished.filter(isGoing),
    paused: unfinished.filter((result) => !isGoing(result)),
  };
}
