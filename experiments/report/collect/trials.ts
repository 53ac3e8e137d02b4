// Not through search/index.js: that loads the controllers, and TF.js with their spaces, which listing trials can do without.
import { frontier } from '../../../search/frontier.js';
import type { Objective } from '../../../search/index.js';
import { genotypeId } from '../../../spaces/genotype.js';
import type { Store, TrialQuery, TrialRecord } from '../../../store/index.js';
import { storedEnqueued } from '../../warm-start/stored.js';
import type { ReportTrial } from '../data.js';
import { objectivesOf } from './run.js';

/** What turns a run's trials into those of its report. */
function reporting(store: Store): (trial: TrialRecord) => ReportTrial {
  const { createdAt } = store.run.get();
  // An enqueued network was asked for before any other, so whoever has its genotype is it.
  const names = new Map(storedEnqueued(store).map(({ genotype, name }) => [genotypeId(genotype), name]));
  return (trial) => toReport(trial, createdAt, names.get(trial.genotypeId) ?? null);
}

function toReport(trial: TrialRecord, began: number, enqueued: string | null): ReportTrial {
  const { number, state, genotypeId, choices, values, reason, message, startedAt, finishedAt } = trial;
  const after = (at: number | null): number | null => (at === null ? null : (at - began) / 1000);
  const entries = Object.entries(values);
  return {
    number,
    state,
    genotypeId,
    choices,
    values: Object.fromEntries(entries.map(([name, { value }]) => [name, value])),
    provenance: Object.fromEntries(entries.map(([name, { provenance }]) => [name, provenance])),
    reason,
    enqueued,
    message,
    startedAfter: after(startedAt),
    finishedAfter: after(finishedAt),
  };
}

/** The trials of a run: all in order, or those of a page. */
export const collectTrials = (store: Store, page?: TrialQuery): ReportTrial[] =>
  (page === undefined ? store.trials.all() : store.trials.page(page)).map(reporting(store));

/** One trial, or undefined when it was never asked. */
export function collectTrial(store: Store, number: number): ReportTrial | undefined {
  const trial = store.trials.get(number);
  return trial && reporting(store)(trial);
}

/** The Pareto frontier of a run, ordered as `frontierOf` does; only its members are read as a whole. */
export function collectFrontier(store: Store): ReportTrial[] {
  const objectives = objectivesOf(store);
  const members = frontier(store.trials.complete(), objectives).flatMap(({ number }) => store.trials.get(number) ?? []);
  return frontierOf(members.map(reporting(store)), objectives);
}

/** The Pareto frontier by search values, ordered along the second objective (the first when there is only one). */
export function frontierOf(trials: readonly ReportTrial[], objectives: readonly Objective[]): ReportTrial[] {
  const along = objectives.at(1) ?? objectives.at(0);
  if (along === undefined) return [];
  const sign = along.direction === 'minimize' ? 1 : -1;
  const position = ({ values }: ReportTrial): number => sign * values[along.name];
  return frontier(trials, objectives).sort((a, b) => position(a) - position(b) || a.number - b.number);
}

/** Names of the decisions, in the space's order. */
export const decisionNames = (trials: readonly ReportTrial[]): string[] => Object.keys(trials.at(0)?.choices ?? {});
