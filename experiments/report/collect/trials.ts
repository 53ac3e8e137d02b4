// Not through search/index.js: that loads the controllers, and TF.js with their spaces, which listing trials can do without.
import { frontier } from '../../../search/frontier.js';
import type { Objective } from '../../../search/index.js';
import { genotypeId } from '../../../spaces/genotype.js';
import type {
  ObjectiveValues,
  Store,
  StoredPrecision,
  TrialQuery,
  TrialRecord,
  VariantRecord,
} from '../../../store/index.js';
import { verdictDetail } from '../../compress/verdict.js';
import { hostsOfTrials, assignmentsOf } from '../../stored/workers.js';
import { candidatesOf, plainValues, type Candidate } from '../../stored/candidates.js';
import { objectivesOf, storedEnqueued } from '../../stored/experiment.js';
import type { ReportTrial, ReportVariant } from '../data.js';
import { verdictText } from '../precisions.js';

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
