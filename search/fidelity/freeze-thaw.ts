import { Outlook } from './outlook.js';
import { progressOf } from './progress.js';
import type { RungResult, Scheduler, SchedulerInput, Standing } from './scheduler.js';
import { worthOf, type Contender } from './worth.js';

interface Options extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly eta: number;
  /** What a trial has to promise to be trained on, as a share of the frontier's hypervolume. */
  readonly minGain: number;
}

interface Frozen {
  readonly result: RungResult;
  /** What the rest of its training is expected to add to the frontier, as a share. */
  readonly worth: number;
}

const percent = (share: number): string =>
  share < 1e-4 ? 'less than 0.01 %' : `${Number((100 * Math.min(1, share)).toPrecision(2))} %`;

/** The greatest by a measure; of equals, the first. */
function greatest<T>(all: readonly T[], measure: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || measure(one) > measure(best) ? one : best),
    undefined,
  );
}

/**
 * Freezes every trial at its first rung, and thaws the one that promises most: the greatest hypervolume improvement to be
 * expected of the end of its training, for each epoch until then (freeze-thaw optimisation, Swersky et al. 2014, with
 * several objectives). As long as trials are asked, at most one in eta of a rung goes on; afterwards every one does that
 * promises `minGain` or more, and the others are stopped.
 */
export function freezeThaw({ objectives, rungs, epochs, eta, minGain }: Options): Scheduler {
  const learned = objectives.filter(({ cost }) => cost === 'expensive');

  const look = (standing: Standing): { readonly paused: readonly Frozen[]; readonly first: boolean } => {
    const { stages, whole, going, paused } = progressOf(standing, epochs);
    const trials = stages.map((own) => own.map(({ epochs: at, values }) => ({ at, values })));
    const outlooks = learned.map(({ name }) => ({ name, outlook: new Outlook(objectives, name, rungs, trials) }));
    const contenderOf = ({ epochs: at, values }: RungResult): Contender => ({
      values,
      expected: Object.fromEntries(outlooks.map(({ name, outlook }) => [name, outlook.expect(at, values)])),
    });
    const worth = worthOf(objectives, {
      whole: whole.map(({ values }) => values),
      going: going.map(contenderOf),
      candidates: paused.map(contenderOf),
    });
    return {
      paused: paused.map((result, i) => ({ result, worth: worth[i] })),
      first: whole.length + going.length === 0,
    };
  };

  const nextRung = (here: number): number => rungs[rungs.indexOf(here) + 1];

  const hasRoom = ({ results, steps }: Standing, here: number): boolean => {
    const reached = results.filter((result) => result.epochs === here).length;
    const sentOn = steps.filter((step) => step.epochs === nextRung(here)).length;
    return sentOn < Math.floor(reached / eta);
  };

  return {
    first: rungs[0],
    decide: (standing) => {
      const { paused, first } = look(standing);
      // Even the smallest search has a trial that was trained to its end.
      const enough = first && !standing.mayAsk && standing.settled ? 0 : minGain;
      const open = paused.filter(
        ({ worth, result }) => worth >= enough && (!standing.mayAsk || hasRoom(standing, result.epochs)),
      );
      const best = greatest(open, ({ worth, result }) => worth / (epochs - result.epochs));
      if (best !== undefined) {
        const { trial, epochs: here } = best.result;
        const reason = `promises ${percent(best.worth)} of the frontier after ${here} of ${epochs} epochs`;
        return { kind: 'promote', trial, epochs: nextRung(here), reason };
      }
      if (standing.mayAsk) return { kind: 'ask' };
      const left = standing.settled ? paused.at(0) : undefined;
      if (left === undefined) return undefined;
      const { trial, epochs: here } = left.result;
      const reason = `stopped after ${here} of ${epochs} epochs: promises ${percent(left.worth)} of the frontier`;
      return { kind: 'stop', trial, reason };
    },
  };
}
