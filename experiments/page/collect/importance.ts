import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import { functionalAnova } from '../../../search/fanova.js';
import type { DecisionSpace, Network } from '../../../spaces/index.js';
import type { Store, TrialRecord } from '../../../store/index.js';
import type { Experiment } from '../../schema/experiment.js';
import { isTableExperiment } from '../../schema/run-experiment.js';
import type { Choice, Importance, ImportanceAnswer } from '../api.js';
import type { RunFacts } from '../../report/run.js';

const method =
  'functional ANOVA over a random forest (Hutter, Hoos & Leyton-Brown 2014): the share of the variance over the whole ' +
  'space that a decision explains alone, all choices that were tried being equally likely';

/** Fewer trials than this say nothing. */
const fewest = 20;
/** So many are looked at, drawn by the run's seed. */
const most = 2000;

type Trial = Pick<TrialRecord, 'number' | 'genotypeId' | 'choices'> & {
  readonly values: Readonly<Record<string, number>>;
};

/** Some of the complete trials, each with its values in float32 where there are several precisions. */
function drawnTrials(store: Store, random: Random): { readonly trials: readonly Trial[]; readonly complete: number } {
  const complete = store.overview.standing().flatMap(({ number, state }) => (state === 'complete' ? [number] : []));
  const drawn = complete.length <= most ? complete : random.shuffle([...complete]).slice(0, most);
  const trials = store.trials.some(drawn).map(({ values, variants, ...trial }): Trial => {
    const float = variants.find(({ precision }) => precision === 'fp32')?.values;
    const known = Object.entries({ ...values, ...float }).map(([name, { value }]) => [name, value] as const);
    return { ...trial, values: Object.fromEntries(known) };
  });
  return { trials, complete: complete.length };
}

/**
 * The space, which tells what says nothing in a network; undefined for tables, whose rows are all that there is, and for
 * spaces that are programs of the user's, which a look at a run does not start.
 */
async function spaceOf(store: Store, experiment: Experiment, first: Trial): Promise<DecisionSpace | undefined> {
  if (isTableExperiment(experiment) || experiment.space.type === 'module') return undefined;
  const { createSpace } = await import('../../../spaces/create-space.js');
  // Stored by the runner when the trial was asked.
  const { input, classes } = store.networks.get(first.genotypeId) as Network;
  try {
    return await createSpace(experiment.space, { input, classes });
  } catch (error) {
    // Made for the images' own size, which the run does not keep: all decisions then count as saying something.
    if (error instanceof NasError) return undefined;
    throw error;
  }
}

type Relevance = (trial: Trial) => readonly boolean[] | undefined;

/** For each decision of a trial, whether it says anything about its network. */
async function relevanceOf(space: DecisionSpace | undefined): Promise<Relevance> {
  if (space === undefined) return () => undefined;
  const { relevantDecisions } = await import('../../../search/strategies/strategy.js');
  return ({ genotypeId }) => relevantDecisions(space, genotypeId.split('-').map(Number));
}

/** The choices that were tried of a decision, in order. */
function triedOf(trials: readonly Trial[], decision: string): Choice[] {
  const tried = [...new Set(trials.map(({ choices }) => choices[decision]))];
  return tried.sort((a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b : 0));
}

/** How much each decision matters for each objective, by the complete trials of a run. */
export async function collectImportance(
  store: Store,
  { experiment, objectives, record: { seed } }: RunFacts,
): Promise<ImportanceAnswer> {
  const { trials, complete } = store.reading(() => drawnTrials(store, new Random(seed, 'importance', 'trials')));
  if (trials.length < fewest) return { method, trials: complete, objectives: null };
  const relevance = await relevanceOf(await spaceOf(store, experiment, trials[0]));
  const decisions = Object.keys(trials[0].choices);
  const tried = decisions.map((decision) => triedOf(trials, decision));
  const random = new Random(seed, 'importance', 'irrelevant');
  const rows = trials.map((trial) => {
    const says = relevance(trial);
    // A choice that says nothing may be any: drawn, so that it does not stand for what made it so.
    return decisions.map((decision, i) =>
      says?.[i] === false ? random.int(tried[i].length) : tried[i].indexOf(trial.choices[decision]),
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
  return { method, trials: trials.length, objectives: objectives.map(({ name }) => importanceOf(name)) };
}

/** Of a run that goes on, what matters is computed anew once this part more of its trials is complete. */
const growth = 0.05;

interface Standing {
  readonly facts: RunFacts;
  /** The newest event. */
  readonly cursor: number;
  /** How many trials are complete. */
  readonly complete: number;
}

/** What matters in a run, as it was computed last: that holds the server for a second or two in a long run. */
export class LatestImportance {
  private latest: (Standing & { readonly answer: Promise<ImportanceAnswer> }) | undefined;

  /** Computes it where more has happened than it is worth; of a run that stands still, whenever anything has. */
  answer(store: Store, standing: Standing): Promise<ImportanceAnswer> {
    if (this.latest !== undefined && this.isGoodFor(store, standing, this.latest)) return this.latest.answer;
    const answer = collectImportance(store, standing.facts);
    const latest = (this.latest = { ...standing, answer });
    answer.catch(() => {
      if (this.latest === latest) this.latest = undefined;
    });
    return answer;
  }

  private isGoodFor(store: Store, now: Standing, latest: Standing): boolean {
    if (now.cursor === latest.cursor) return true;
    const isGoingOn = store.run.state().status === 'running';
    return isGoingOn && now.complete < (1 + growth) * latest.complete;
  }
}
