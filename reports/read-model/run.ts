import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
// search/index.js would load all controllers, and TF.js with their spaces.
import { frontier } from '../../search/frontier.js';
import type { Objective, Values } from '../../search/index.js';
import { genotypeId } from '../../spaces/genotype.js';
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
import { verdictDetail } from '../../runner/compress/verdict.js';
import type { Experiment } from '../../experiments/schema/experiment.js';
import { kindOf } from '../../experiments/schema/kind.js';
import { candidatesOf, type Candidate, plainValues } from '../../runner/stored/candidates.js';
import { experimentOf, objectivesOf, storedEnqueued, taskOfRun } from '../../runner/stored/experiment.js';
import { type Note, readNotes } from '../../runner/stored/notes.js';
import { databasePath, hasRun } from '../../runner/stored/workdir.js';
import { assignmentsOf, hostsOfTrials } from '../../runner/stored/workers.js';
import type { ReportTrial, ReportVariant, RunSummary } from './data.js';
import { RunEvidence } from './evidence.js';
import { verdictText } from './text.js';
import { contenders, rivalsOf } from './rivals.js';

const iso = (at: number): string => new Date(at).toISOString();

/** Counts of trials, and the time of the latest change of one, ms since 1970. */
type TrialTotals = Pick<RunSummary, 'counts' | 'rejected'> & { readonly changedAt: number };

export function summaryOf(
  { name, seed, version, threads, createdAt, experiment }: RunRecord,
  { status, message, at }: RunStatusRecord<RunState>,
  { counts, rejected, changedAt }: TrialTotals,
): RunSummary {
  // Parsed when the run began.
  const { search, ...kind } = experiment as Experiment;
  const evaluation = kindOf(kind);
  return {
    name,
    seed,
    evaluation,
    task: taskOfRun(experiment as Experiment),
    // No process works on a study between two asks.
    status: evaluation === 'study' && status === 'died' ? 'running' : status,
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

export function collectRun(store: Store): RunSummary {
  const standing = { ...store.trials.totals(), counts: store.trials.progress() };
  const [note] = readNotes(store.directory).notes;
  return { ...summaryOf(store.run.get(), store.run.state(), standing), ...runNote(note) };
}

/** The note of the run, which is the first one. */
export const runNote = (first: Note | undefined): Pick<RunSummary, 'note' | 'tags'> =>
  first?.trial === null ? notedFields(first) : {};

/** Names of enqueued networks by genotype id, which identifies them as they come first. */
const enqueuedNames = (store: Store): ReadonlyMap<string, string> =>
  new Map(storedEnqueued(store).map(({ genotype, name }) => [genotypeId(genotype), name]));

function trialReporter(store: Store): (candidate: Candidate) => ReportTrial {
  const { createdAt } = store.run.get();
  const severalPrecisions = store.variants.any();
  const hosts = hostsOfTrials(assignmentsOf(store));
  const names = enqueuedNames(store);
  const evidence = new RunEvidence(store);
  const noted = new Map(readNotes(store.directory).notes.map((note) => [note.trial, note]));
  return ({ trial, precision, values }) => {
    const { number, state, genotypeId: id, choices, variants, reason, message, startedAt, finishedAt } = trial;
    const host = hosts.get(number);
    const certainty = evidence.certaintyOf({ number, precision, values: plainValues(values) });
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
      ...(certainty && { certainty }),
      reason,
      enqueued: names.get(id) ?? null,
      message,
      startedAfter: after(startedAt),
      finishedAfter: after(finishedAt),
      ...notedFields(noted.get(number)),
      ...(host !== undefined && { host }),
    };
  };
}

/** The fields of a note in a report; none without one. */
const notedFields = (note: Note | undefined): Pick<ReportTrial, 'note' | 'tags'> => ({
  ...(note !== undefined && note.text !== '' && { note: note.text }),
  ...(note !== undefined && note.tags.length > 0 && { tags: note.tags }),
});

const provenanceOf = (values: ObjectiveValues): ReportTrial['provenance'] =>
  Object.fromEntries(Object.entries(values).map(([name, { provenance }]) => [name, provenance]));

function toVariant(trial: TrialRecord, { precision, values, accepted, reason, detail }: VariantRecord): ReportVariant {
  // Later measurements revise the values of the chosen precision in the trial itself.
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

/** A trial in its chosen precision. */
const asChosen = (trial: TrialRecord): Candidate => ({ trial, precision: trial.precision, values: trial.values });

/** Trials of a run in order: all, or a page of them. */
export const collectTrials = (store: Store, page?: TrialQuery): ReportTrial[] =>
  (page === undefined ? store.trials.all() : store.trials.page(page)).map(asChosen).map(trialReporter(store));

/** All candidates of a run in trial order: each trial in every accepted precision. */
export const collectCandidates = (store: Store): ReportTrial[] =>
  store.trials.all().flatMap(candidatesOf).map(trialReporter(store));

/**
 * One trial; undefined when there is none of that number.
 * @param precision default: the chosen one
 */
export function collectTrial(store: Store, number: number, precision?: StoredPrecision): ReportTrial | undefined {
  const trial = store.trials.get(number);
  if (trial === undefined) return undefined;
  const other = trial.variants.find((variant) => variant.precision === precision && precision !== trial.precision);
  const candidate =
    other === undefined
      ? asChosen(trial)
      : { trial, precision: other.precision, values: { ...trial.values, ...other.values } };
  return trialReporter(store)(candidate);
}

/** The Pareto frontier of a run, in the order of `frontierOf`. Each member has its rivals. Dominated trials are not read in full. */
export function collectFrontier(store: Store): ReportTrial[] {
  const objectives = objectivesOf(store);
  const near = nearFrontier(store, new RunEvidence(store), objectives).flatMap(({ number, precision }) => {
    const trial = store.trials.get(number);
    return trial === undefined ? [] : candidatesOf(trial).filter((candidate) => candidate.precision === precision);
  });
  return frontierOf(near.map(trialReporter(store)), objectives);
}

/** The complete candidates that may be on the frontier, members among them. */
function nearFrontier(store: Store, evidence: RunEvidence, objectives: readonly Objective[]) {
  const complete = store.overview.complete();
  const members = frontier(complete, objectives);
  if (evidence.isExact) return members;
  const judged = complete.map((candidate) => evidence.estimated(candidate));
  return contenders(judged, frontier(judged, objectives), objectives);
}

/** Sorts members by the second objective, from best to worst (by the first when there is only one). */
export function sortFrontier<T extends Pick<ReportTrial, 'number' | 'values'>>(
  members: readonly T[],
  objectives: readonly Objective[],
): T[] {
  const axis = objectives.at(1) ?? objectives.at(0);
  if (axis === undefined) return [];
  const sign = axis.direction === 'minimize' ? 1 : -1;
  const position = ({ values }: T): number => sign * values[axis.name];
  return members.toSorted((a, b) => position(a) - position(b) || a.number - b.number);
}

/**
 * The Pareto frontier by search values, ordered along the second objective (the first when there is only one). Members
 * whose place depends on noise have rivals.
 */
export const frontierOf = <T extends ReportTrial>(candidates: readonly T[], objectives: readonly Objective[]): T[] =>
  sortFrontier(frontier(candidates, objectives), objectives).map((member) => {
    const rivals = rivalsOf(member, candidates, objectives);
    return rivals.length === 0 ? member : { ...member, rivals };
  });

/** Names of the decisions, in the order of the space. */
export const decisionNames = (trials: readonly ReportTrial[]): string[] => Object.keys(trials.at(0)?.choices ?? {});

function bestOf(members: readonly { readonly values: Values }[], objectives: readonly Objective[]): Values {
  if (members.length === 0) return {};
  return Object.fromEntries(
    objectives.map(({ name, direction }) => {
      const values = members.map((member) => member.values[name]);
      return [name, direction === 'maximize' ? Math.max(...values) : Math.min(...values)];
    }),
  );
}

/** A frontier in a list of runs. */
interface ListedFrontier {
  /** Number of its members. */
  readonly frontier: number;
  /** Best value of each objective; empty without members. */
  readonly best: Values;
}

export const listedFrontier = (
  members: readonly { readonly values: Values }[],
  objectives: readonly Objective[],
): ListedFrontier => ({ frontier: members.length, best: bestOf(members, objectives) });

interface RunListing extends ListedFrontier {
  readonly workdir: string;
  readonly run: RunSummary;
}

/** Runs in a folder by name; unreadable ones with the reason. */
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
  using store = Store.open(databasePath(workdir), { readonly: true });
  return { workdir, run: collectRun(store), ...listedFrontier(collectFrontier(store), objectivesOf(store)) };
}

/** Facts about a run that change only when it is extended. */
export interface RunFacts {
  readonly record: RunRecord;
  readonly experiment: Experiment;
  readonly objectives: readonly Objective[];
  /** Names of enqueued networks by genotype id. */
  readonly enqueued: ReadonlyMap<string, string>;
}

/** Reads the facts; scans all events of the run. */
export function factsOf(store: Store): RunFacts {
  const record = store.run.get();
  const experiment = experimentOf(store);
  return { record, experiment, objectives: experiment.objectives, enqueued: enqueuedNames(store) };
}
