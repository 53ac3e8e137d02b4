import { objectivesOf } from '../stored/experiment.js';
import type { Objective, Values } from '../../search/index.js';
import {
  type ObjectiveValues,
  type RunRecord,
  type RunState,
  type RunStatusRecord,
  Store,
  type StoredPrecision,
  type TrialQuery,
  type TrialRecord,
  type VariantRecord,
} from '../../store/index.js';
import type { Experiment } from '../schema/experiment.js';
import type { ReportTrial, ReportVariant, RunSummary } from './data.js';
import { frontier } from '../../search/frontier.js';
import { genotypeId } from '../../spaces/genotype.js';
import { verdictDetail } from '../compress/verdict.js';
import { assignmentsOf } from '../stored/workers.js';
import { hostsOfTrials } from '../stored/workers.js';
import { candidatesOf, type Candidate } from '../stored/candidates.js';
import { plainValues } from '../stored/candidates.js';
import { storedEnqueued } from '../stored/experiment.js';
import { verdictText } from './text.js';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { databasePath, hasRun } from '../stored/workdir.js';

const iso = (at: number): string => new Date(at).toISOString();

/** How its trials stand, and when anything last happened to one, in ms since 1970. */
export type Standing = Pick<RunSummary, 'counts' | 'rejected'> & { readonly changedAt: number };

/** Where a run stands, from what its store says of it. */
export function summaryOf(
  { name, seed, version, threads, createdAt, experiment }: RunRecord,
  { status, message, at }: RunStatusRecord<RunState>,
  { counts, rejected, changedAt }: Standing,
): RunSummary {
  // Parsed when the run began.
  const { search, ...kind } = experiment as Experiment;
  return {
    name,
    seed,
    evaluation: 'data' in kind ? 'training' : 'table',
    status,
    message,
    startedAt: iso(createdAt),
    updatedAt: iso(Math.max(at, changedAt)),
    version,
    threads,
    planned: search.trials,
    counts,
    rejected,
  };
}

/** Where a run stands. */
export function collectRun(store: Store): RunSummary {
  const standing = { ...store.trials.totals(), counts: store.trials.progress() };
  return summaryOf(store.run.get(), store.run.state(), standing);
}

// Not through search/index.js: that loads the controllers, and TF.js with their spaces, which listing trials can do without.

/** What turns a run's candidates into those of its report. */
function reporting(store: Store): (candidate: Candidate) => ReportTrial {
  const { createdAt } = store.run.get();
  const severalPrecisions = store.variants.any();
  // An enqueued network was asked for before any other, so whoever has its genotype is it.
  const hosts = hostsOfTrials(assignmentsOf(store));
  const names = new Map(storedEnqueued(store).map(({ genotype, name }) => [genotypeId(genotype), name]));
  return ({ trial, precision, values }) => {
    const { number, state, genotypeId: id, choices, variants, reason, message, startedAt, finishedAt } = trial;
    const host = hosts.get(number);
    const after = (at: number | null): number | null => (at === null ? null : (at - createdAt) / 1000);
    return {
      number,
      state,
      ...(severalPrecisions && {
        precision: variants.length === 0 ? null : precision,
        variants: variants.map((variant) => toVariant(trial, variant)),
      }),
      genotypeId: id,
      choices,
      values: plainValues(values),
      provenance: provenanceOf(values),
      reason,
      enqueued: names.get(id) ?? null,
      message,
      startedAfter: after(startedAt),
      finishedAfter: after(finishedAt),
      ...(host !== undefined && { host }),
    };
  };
}

const provenanceOf = (values: ObjectiveValues): ReportTrial['provenance'] =>
  Object.fromEntries(Object.entries(values).map(([name, { provenance }]) => [name, provenance]));

function toVariant(trial: TrialRecord, { precision, values, accepted, reason, detail }: VariantRecord): ReportVariant {
  // What was chosen is the trial's own, which later measurements revise.
  const latest = precision === trial.precision ? trial.values : {};
  const own = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, latest[name] ?? value]));
  const variant = {
    precision,
    values: plainValues(own),
    provenance: provenanceOf(own),
    accepted,
    reason,
    detail: verdictDetail(detail) ?? null,
  };
  return { ...variant, verdict: verdictText(variant, trial.state === 'complete' ? trial.precision : null) };
}

/** A trial as it was judged. */
const asChosen = (trial: TrialRecord): Candidate => ({ trial, precision: trial.precision, values: trial.values });

/** The trials of a run: all in order, or those of a page. */
export const collectTrials = (store: Store, page?: TrialQuery): ReportTrial[] =>
  (page === undefined ? store.trials.all() : store.trials.page(page)).map(asChosen).map(reporting(store));

/** All candidates of a run, in trial order: its trials, each in every precision that may stand on the frontier. */
export const collectCandidates = (store: Store): ReportTrial[] =>
  store.trials.all().flatMap(candidatesOf).map(reporting(store));

/**
 * One trial, or undefined when it was never asked.
 * @param precision default: what was chosen.
 */
export function collectTrial(store: Store, number: number, precision?: StoredPrecision): ReportTrial | undefined {
  const trial = store.trials.get(number);
  if (trial === undefined) return undefined;
  const other = trial.variants.find((variant) => variant.precision === precision && precision !== trial.precision);
  const candidate =
    other === undefined
      ? asChosen(trial)
      : { trial, precision: other.precision, values: { ...trial.values, ...other.values } };
  return reporting(store)(candidate);
}

/** The Pareto frontier of a run, ordered as `frontierOf` does; only its members are read as a whole. */
export function collectFrontier(store: Store): ReportTrial[] {
  const objectives = objectivesOf(store);
  const members = frontier(store.overview.complete(), objectives).flatMap(({ number, precision }) => {
    const trial = store.trials.get(number);
    return trial === undefined ? [] : candidatesOf(trial).filter((candidate) => candidate.precision === precision);
  });
  return frontierOf(members.map(reporting(store)), objectives);
}

/** Members of a frontier along the second objective (the first when there is only one). */
export function along<T extends Pick<ReportTrial, 'number' | 'values'>>(
  members: readonly T[],
  objectives: readonly Objective[],
): T[] {
  const axis = objectives.at(1) ?? objectives.at(0);
  if (axis === undefined) return [];
  const sign = axis.direction === 'minimize' ? 1 : -1;
  const position = ({ values }: T): number => sign * values[axis.name];
  return members.toSorted((a, b) => position(a) - position(b) || a.number - b.number);
}

/** The Pareto frontier by search values, ordered along the second objective (the first when there is only one). */
export const frontierOf = <T extends ReportTrial>(candidates: readonly T[], objectives: readonly Objective[]): T[] =>
  along(frontier(candidates, objectives), objectives);

/** Names of the decisions, in the space's order. */
export const decisionNames = (trials: readonly ReportTrial[]): string[] => Object.keys(trials.at(0)?.choices ?? {});

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

/** What of a run changes only when it is extended. */
export interface RunFacts {
  readonly record: RunRecord;
  readonly experiment: Experiment;
  readonly objectives: readonly Objective[];
  /** What networks were called that were given beforehand, by genotype. */
  readonly enqueued: ReadonlyMap<string, string>;
}

/** Reads them: of a long run, this is a look at all of its events. */
export function factsOf(store: Store): RunFacts {
  const record = store.run.get();
  // Parsed when the run began.
  const experiment = record.experiment as Experiment;
  const enqueued = new Map(storedEnqueued(store).map(({ genotype, name }) => [genotypeId(genotype), name]));
  return { record, experiment, objectives: experiment.objectives, enqueued };
}
