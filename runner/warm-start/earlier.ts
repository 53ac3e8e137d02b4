import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { invalidInput, NasError } from '../../base/errors.js';
import type { Objective, TrialResult } from '../../search/index.js';
import type { DecisionSpace } from '../../spaces/index.js';
import { Store } from '../../store/index.js';
import { databasePath, hasRun } from '../stored/workdir.js';
import { fitChoices } from './choices.js';

/** What a search learns from an earlier run, and a line about it. */
export interface EarlierTrials {
  readonly trials: readonly TrialResult[];
  readonly note: string;
}

/**
 * The trials of a run of `search.from` that are networks of a space, with the values that the run observed.
 * @throws NasError `invalid-input` when the folder holds no run, or none of its trials is one that tells something
 */
export function earlierTrials(workdir: string, space: DecisionSpace, objectives: readonly Objective[]): EarlierTrials {
  if (!hasRun(workdir)) throw invalidInput(`${workdir} holds no run; expected a workdir of nas run`);
  using store = Store.open(databasePath(workdir), { readonly: true });
  const complete = store.trials.all().filter(({ state }) => state === 'complete');
  const trials = complete.flatMap(({ number, choices, observed: values }): TrialResult[] => {
    const fit = fitChoices(space, new Map(Object.entries(choices)), null);
    return 'genotype' in fit ? [{ number, genotype: fit.genotype, state: 'complete', values }] : [];
  });
  const expensive = objectives.filter(({ cost }) => cost !== 'cheap').map(({ name }) => name);
  const told = expensive.filter((name) => trials.some(({ values }) => name in values));
  if (told.length === 0)
    throw invalidInput(
      `${workdir} has no trial of the space ${space.name} with ${expensive.join(' or ')}: nothing to learn from`,
      { hint: 'Give a run of the same space that has finished trials.' },
    );
  const note = `${trials.length} of ${complete.length} trials of ${basename(workdir)} say which networks are promising: ${told.join(', ')}`;
  return { trials, note };
}

/** Runs with fewer trials say little. */
const enough = 20;
/** The most runs to learn from by default. */
const most = 3;

/** The runs in a folder that say something about the networks of a space, the ones with most trials first. */
export function earlierRuns(folder: string, space: DecisionSpace, objectives: readonly Objective[]): string[] {
  const counts = new Map<string, number>();
  for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const workdir = join(folder, name);
    try {
      counts.set(workdir, earlierTrials(workdir, space, objectives).trials.length);
    } catch (error) {
      // No run, a run of another space, or of another version.
      if (!(error instanceof NasError)) throw error;
    }
  }
  const useful = [...counts].filter(([, trials]) => trials >= enough).sort(([, a], [, b]) => b - a);
  return useful.slice(0, most).map(([workdir]) => workdir);
}
