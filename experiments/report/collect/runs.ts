import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import type { Values } from '../../../search/index.js';
import { Store } from '../../../store/index.js';
import { databasePath, hasRun } from '../../stored/workdir.js';
import type { RunSummary } from '../data.js';
import { objectivesOf } from '../../stored/experiment.js';
import { collectRun } from './run.js';
import { collectFrontier } from './trials.js';

/** One of the runs of a folder. */
export interface RunListing {
  readonly workdir: string;
  readonly run: RunSummary;
  /** Networks on its frontier. */
  readonly frontier: number;
  /** The best value of each objective on the frontier; none without a frontier. */
  readonly best: Values;
}

/** The runs whose workdirs lie in a folder, by their names; those that cannot be read with the reason. */
export const collectRuns = (folder: string): (RunListing | { readonly workdir: string; readonly problem: string })[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .filter(hasRun)
    .map((workdir) => {
      try {
        return listingOf(workdir);
      } catch (error) {
        return { workdir, problem: messageOf(error) };
      }
    });

function listingOf(workdir: string): RunListing {
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const members = collectFrontier(store);
    const best = objectivesOf(store).map(({ name, direction }): [string, number] => {
      const values = members.map((member) => member.values[name]);
      return [name, direction === 'maximize' ? Math.max(...values) : Math.min(...values)];
    });
    return {
      workdir,
      run: collectRun(store),
      frontier: members.length,
      best: members.length === 0 ? {} : Object.fromEntries(best),
    };
  } finally {
    store.close();
  }
}
