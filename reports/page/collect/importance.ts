import { setImmediate } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import { functionalAnova } from '../../../search/fanova.js';
import { genotypeOfId } from '../../../spaces/genotype.js';
import type { DecisionSpace, Network } from '../../../spaces/index.js';
import type { Store, TrialRecord } from '../../../store/index.js';
import type { RunFacts } from '../../read-model/run.js';
import type { Experiment } from '../../../experiments/schema/experiment.js';
import { isTableExperiment } from '../../../experiments/schema/run-experiment.js';
import type { Choice, Importance, ImportanceAnswer } from '../api.js';

const method =
  'functional ANOVA over a random forest (Hutter, Hoos & Leyton-Brown 2014): the share of the variance over the whole ' +
  'space that a decision explains alone, all choices that were tried being equally likely';

const minTrials = 20;
/** Maximum; of more trials a sample is drawn by the run's seed. */
const maxTrials = 2000;

type Trial = Pick<TrialRecord, 'number' | 'genotypeId' | 'choices'> & {
  readonly values: Readonly<Record<string, number>>;
};

/** A sample of the complete trials, with their float32 values. */
function drawnTrials(store: Store, random: Random): { readonly trials: readonly Trial[]; readonly complete: number } {
  const complete = store.overview.standing().flatMap(({ number, state }) => (state === 'complete' ? [number] : []));
  const drawn = complete.length <= maxTrials ? complete : random.shuffle([...complete]).slice(0, maxTrials);
  const trials = store.trials.some(drawn).map(({ values, variants, ...trial }): Trial => {
    const float = variants.find(({ precision }) => precision === 'fp32')?.values;
    const known = Object.entries({ ...values, ...float }).map(([name, { value }]) => [name, value] as const);
    return { ...trial, values: Object.fromEntries(known) };
  });
  return { trials, complete: complete.length };
}

/**
 * The space, which knows irrelevant decisions. Undefined for tables, and for user modules, as the server runs no user code.
 */
async function spaceOf(store: Store, experiment: Experiment, first: Trial): Promise<DecisionSpace | undefined> {
  if (isTableExperiment(experiment) || experiment.space.type === 'module') return undefined;
  const { createSpace } = await import('../../../spaces/create-space.js');
  // Stored by the runner when the trial was asked.
  const { input, classes } = store.networks.get(first.genotypeId) as Network;
  try {
    return await createSpace(experiment.space, { input, classes });
  } catch (error) {
    // The run does not store the images' original size, which this space needs: all decisions count as relevant.
    if (error instanceof NasError) return undefined;
    throw error;
  }
}

type Relevance = (trial: Trial) => readonly boolean[] | undefined;

/** For each decision of a trial, whether it affects the network. */
async function relevanceOf(space: DecisionSpace | undefined): Promise<Relevance> {
  if (space === undefined) return () => undefined;
  const { relevantDecisions } = await import('../../../search/strategies/strategy.js');
  return ({ genotypeId }) => relevantDecisions(space, genotypeOfId(genotypeId));
}

/** The choices of a decision that occur in trials, in order. */
function triedOf(trials: readonly Trial[], decision: string): Choice[] {
  const tried = [...new Set(trials.map(({ choices }) => choices[decision]))];
  return tried.sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : 0));
}

/** Parameter importance for each objective, from the complete trials of a run. */
export async function collectImportance(
  store: Store,
  { experiment, objectives, record: { seed } }: RunFacts,
): Promise<ImportanceAnswer> {
  const { trials, complete } = store.reading(() => drawnTrials(store, new Random(seed, 'importance', 'trials')));
  if (trials.length < minTrials) return { method, needed: minTrials, trials: complete, objectives: null };
  const relevance = await relevanceOf(await spaceOf(store, experiment, trials[0]));
  const decisions = Object.keys(trials[0].choices);
  const tried = decisions.map((decision) => triedOf(trials, decision));
  const random = new Random(seed, 'importance', 'irrelevant');
  const rows = trials.map((trial) => {
    const relevant = relevance(trial);
    // Irrelevant choices are drawn at random, so that they do not correlate with the decision that made them irrelevant.
    return decisions.map((decision, i) =>
      relevant?.[i] === false ? random.int(tried[i].length) : tried[i].indexOf(trial.choices[decision]),
    );
  });
  const importanceOf = (objective: string): Importance => {
    const known = [...trials.keys()].filter((i) => Object.hasOwn(trials[i].values, objective));
    const observations = {
      sizes: tried.map(({ length }) => length),
      choices: decisions.map((_, decision) => Uint16Array.from(known, (i) => rows[i][decision])),
      values: Float64Array.from(known, (i) => trials[i].values[objective]),
    };
    const { shares, fit } = functionalAnova(observations, new Random(seed, 'importance', objective));
    return {
      objective,
      decisions: decisions
        .map((decision, i) => ({ decision, share: shares[i] }))
        .sort((a, b) => b.share - a.share || decisions.indexOf(a.decision) - decisions.indexOf(b.decision)),
      fit,
    };
  };
  const importances: Importance[] = [];
  for (const { name } of objectives) {
    // The server answers other requests between two objectives.
    await setImmediate();
    importances.push(importanceOf(name));
  }
  return { method, needed: minTrials, trials: trials.length, objectives: importances };
}

/** While a run is running, importance is recomputed after 5 % more complete trials. */
const growth = 0.05;

interface RunProgress {
  readonly facts: RunFacts;
  /** The newest event. */
  readonly cursor: number;
  readonly complete: number;
}

/** Caches parameter importance, whose computation blocks the server for one or two seconds in a long run. */
export class ImportanceCache {
  private latest: (RunProgress & { readonly answer: Promise<ImportanceAnswer> }) | undefined;

  answer(store: Store, progress: RunProgress): Promise<ImportanceAnswer> {
    if (this.latest !== undefined && this.isFresh(store, progress, this.latest)) return this.latest.answer;
    const answer = collectImportance(store, progress.facts);
    const latest = (this.latest = { ...progress, answer });
    answer.catch(() => {
      if (this.latest === latest) this.latest = undefined;
    });
    return answer;
  }

  private isFresh(store: Store, now: RunProgress, latest: RunProgress): boolean {
    if (now.cursor === latest.cursor) return true;
    const isRunning = store.run.state().status === 'running';
    return isRunning && now.complete < (1 + growth) * latest.complete;
  }
}
