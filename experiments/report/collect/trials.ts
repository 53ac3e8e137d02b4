// Not through search/index.js: that loads the controllers, and TF.js with their spaces, which listing trials can do without.
import { enqueuedName } from '../../../search/enqueued-name.js';
import { frontier } from '../../../search/frontier.js';
import type { Objective } from '../../../search/index.js';
import type { Store, TrialRecord } from '../../../store/index.js';
import type { ReportTrial } from '../data.js';

function toReport(trial: TrialRecord, began: number): ReportTrial {
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
    enqueued: enqueuedName(reason) ?? null,
    message,
    startedAfter: after(startedAt),
    finishedAfter: after(finishedAt),
  };
}

/** All trials of a run, in order. */
export function collectTrials(store: Store): ReportTrial[] {
  const { createdAt } = store.run.get();
  return store.trials.all().map((trial) => toReport(trial, createdAt));
}

/** One trial, or undefined when it was never asked. */
export function collectTrial(store: Store, number: number): ReportTrial | undefined {
  const trial = store.trials.get(number);
  return trial && toReport(trial, store.run.get().createdAt);
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
