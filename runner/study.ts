import { existsSync, statSync } from 'node:fs';
import PQueue from 'p-queue';
import { invalidInput } from '../base/errors.js';
import type { Values } from '../search/index.js';
import type { Choice, Network } from '../spaces/index.js';
import {
  Store,
  waitForWorkdir,
  type Clock,
  type ObjectiveValues,
  type Outcome,
  type TrialRecord,
} from '../store/index.js';
import { compressSchema } from '../experiments/schema/compress.js';
import { locatingNowhere, type LoadedExperiment } from '../experiments/parse/index.js';
import { isComputed } from '../experiments/schema/measures.js';
import { isStudy } from '../experiments/schema/run-experiment.js';
import { reportOf, storeReport } from './stored/reports.js';
import { databasePath, hasRun } from './stored/workdir.js';
import { CandidateNetworks } from './candidate-networks.js';
import { imagesOf, inputChanges, requireSameInputs, storedInputs } from './inputs.js';
import type { RunObserver } from './events.js';
import type { Paused } from './evaluators/evaluator.js';
import type { RunContext, StudyPlan } from './plan.js';
import { studyPlan } from './prepare-plan.js';
import { writeReport, type DrawReport } from './report.js';
import { beginRun, endChange } from './begin.js';
import { Decisions, type Candidates } from './search/decisions.js';
import { requireSame, storedExperiment } from './stored-experiment.js';
import { outOfTime } from './working-time.js';

/** A network to evaluate. */
export interface AskedTrial {
  readonly number: number;
  /** Choice of each decision. */
  readonly choices: Readonly<Record<string, Choice>>;
  /** Its layers, as data. */
  readonly network: Network;
  /** Epochs that it is to have in all; fewer than a whole training where `search.fidelity` judges it first. */
  readonly epochs: number;
  /** Seed for everything random about its training. */
  readonly seed: number;
  /** Why the controller proposes it, one line. */
  readonly reason: string;
}

/** Why a trial has no values. */
export interface TrialFailure {
  readonly failed: string;
}

export interface StudyOptions {
  readonly observe?: RunObserver;
  /** Draws the report when the last value is told; absent: none. */
  readonly report?: DrawReport | undefined;
  /** Deletes an earlier run in the workdir. */
  readonly fresh?: boolean;
  /** The time, in ms since 1970; default: `Date.now`. */
  readonly clock?: Clock;
}

const silent: RunObserver = () => undefined;

/** Tells the database of a study from a later one in its place. */
const inodeOf = (workdir: string): bigint | undefined =>
  statSync(databasePath(workdir), { bigint: true, throwIfNoEntry: false })?.ino;

/**
 * A search whose networks a program evaluates: it asks for a network and tells its values, in any order, several at a
 * time, in several processes at once. Its workdir has the same files as a run's. Each decision is stored before it is returned.
 */
export class Study {
  /** Operations of this process, one after the other. */
  private readonly queue = new PQueue({ concurrency: 1 });
  private readonly inode: bigint | undefined;

  private constructor(
    readonly workdir: string,
    private readonly context: RunContext & { readonly plan: StudyPlan },
    private readonly candidates: CandidateNetworks,
    private readonly decisions: Decisions,
    private readonly report: DrawReport | undefined,
  ) {
    this.inode = inodeOf(workdir);
  }

  /**
   * Opens the study of a workdir, or begins one.
   * @param loaded the experiment of a new study; null: the workdir has one.
   * @throws NasError `invalid-input` when the workdir has none, or another experiment's.
   */
  static async open(loaded: LoadedExperiment | null, workdir: string, options: StudyOptions = {}): Promise<Study> {
    const { observe = silent, report, fresh = false, clock = Date.now } = options;
    endChange(workdir);
    if (loaded !== null) {
      requireStudy(loaded.experiment, loaded.file);
      if (fresh || !hasRun(workdir)) await begin(loaded, workdir, { fresh, clock }, observe);
      else requireSame(workdir, loaded);
    }
    if (!hasRun(workdir))
      throw invalidInput(`${workdir}: there is no study here`, { hint: 'nas ask <yaml> begins one.' });
    const store = Store.open(databasePath(workdir), { closingPatience: 0, clock });
    try {
      const experiment = requireStudy(storedExperiment(store, workdir), workdir);
      const stored = storedInputs(store.run.get(), workdir);
      requireSameInputs(inputChanges(experiment, imagesOf(null), { stored, workdir }), workdir);
      const plan = await studyPlan(experiment, { workdir, locating: locatingNowhere, clock });
      const over = outOfTime(experiment, store, clock);
      const context = { plan, store, observe, stopping: () => false, outOfTime: over };
      const candidates = new CandidateNetworks({
        ...plan,
        experiment: { ...experiment, compress: compressSchema.parse({}) },
      });
      const decisions = await Decisions.of(context, evaluatorOf(context, candidates));
      decisions.learnAll();
      return new Study(workdir, context, candidates, decisions, report);
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /**
   * The next network to evaluate; stored as running before it is returned. Null when there is none for now: the search is
   * over, or results of pending trials have to be told first.
   */
  ask(): Promise<AskedTrial | null> {
    return this.locked(async () => {
      const { decisions, context } = this;
      const step = decisions.decide(decisions.log.isComplete);
      if (step === undefined) {
        if (decisions.log.isComplete) await this.complete();
        return null;
      }
      context.store.trials.start(step.trial);
      return this.asked(step);
    });
  }

  /**
   * Takes the values of a trial, by objective, or the reason why it has none.
   * @throws NasError `invalid-input`, and stores nothing, when the trial was not asked or has its values already, when a
   *   value is missing, not finite, or of no objective that is told.
   */
  tell(number: number, result: Values | TrialFailure): Promise<void> {
    return this.locked(async () => {
      const { decisions, context } = this;
      const step = this.openStep(number);
      const { epochs } = decisions.log.steps[step];
      const outcome = this.outcomeOf(decisions.trials[number], epochs, result);
      if (outcome.state === 'paused')
        storeReport(context.store, number, { epochs, values: isFailure(result) ? {} : result });
      decisions.record(step, outcome);
      decisions.knowledge.learn(step);
      const { fidelity } = context.plan.experiment.search;
      if (fidelity.type === 'none' && !decisions.mayAsk && decisions.log.isComplete) await this.complete();
    });
  }

  /** Trials that wait for their values, by number. A process that asked for one may be dead. */
  pending(): Promise<readonly AskedTrial[]> {
    return this.locked(() => {
      const { log } = this.decisions;
      const open = log.steps.filter((_, i) => !log.isDone(i)).map((step) => this.asked(step));
      return open.sort((a, b) => a.number - b.number);
    });
  }

  /** The network of a trial with its random initial weights, as an ONNX file. */
  async untrained({ number }: Pick<AskedTrial, 'number'>): Promise<Uint8Array> {
    // Loads TF.js.
    const { trialSubject } = await import('./exporting/subjects.js');
    return trialSubject(this.context.store, this.workdir, number).model();
  }

  /** Trials asked so far, and of the whole search. */
  progress(): Promise<{ readonly asked: number; readonly of: number }> {
    return this.locked(() => ({ asked: this.decisions.trials.length, of: this.decisions.planned }));
  }

  close(): void {
    this.context.store.close();
  }

  private asked({ trial, epochs }: { readonly trial: number; readonly epochs: number }): AskedTrial {
    const { number, choices, genotype, seed, reason } = this.decisions.trials[trial];
    return { number, choices, network: this.candidates.network(genotype), epochs, seed, reason };
  }

  /** The trial's step that waits for its values. */
  private openStep(number: number): number {
    const { log, trials } = this.decisions;
    const step = log.latest(number);
    if (step === undefined)
      throw invalidInput(`trial ${number} was not asked: there are ${trials.length} trials`, {
        hint: 'nas trials lists them.',
      });
    if (!log.isDone(step)) return step;
    const { state } = trials[number];
    const has =
      state === 'running' || state === 'waiting'
        ? `its values after ${log.steps[step].epochs} epochs`
        : `its result (${state})`;
    throw invalidInput(`trial ${number} has ${has} already`);
  }

  private outcomeOf(trial: TrialRecord, epochs: number, result: Values | TrialFailure): Outcome | Paused {
    const computed = this.candidates.known(trial);
    if (isFailure(result)) return { state: 'failed', values: computed, message: result.failed };
    const { objectives, evaluate } = this.context.plan.experiment;
    const expected = objectives.map(({ name }) => name).filter((name) => !isComputed(name));
    for (const [name, value] of Object.entries<unknown>(result)) {
      if (!expected.includes(name))
        throw invalidInput(
          `trial ${trial.number}: ${name} is no value of this study; expected ${expected.join(', ')}`,
          name in computed ? { hint: `nas computes ${name} itself.` } : {},
        );
      if (typeof value !== 'number' || !Number.isFinite(value))
        throw invalidInput(`trial ${trial.number}: ${name} is ${JSON.stringify(value)}; expected a finite number`);
    }
    const missing = expected.filter((name) => !(name in result));
    if (missing.length > 0) throw invalidInput(`trial ${trial.number}: ${missing.join(', ')} is missing`);
    const values = { ...imported(result), ...computed };
    return { state: epochs < evaluate.epochs ? 'paused' : 'complete', values };
  }

  private async complete(): Promise<void> {
    const { store, observe } = this.context;
    if (store.run.status().status === 'complete') return;
    store.run.setStatus('complete');
    await writeReport(store, this.workdir, this.report, observe);
  }

  /** Runs an operation while no other process decides, with everything that others stored. */
  private locked<T>(task: () => Promise<T> | T): Promise<T> {
    return this.queue.add(async () => {
      using _ = await waitForWorkdir(this.workdir);
      try {
        if (inodeOf(this.workdir) !== this.inode)
          throw invalidInput(`${this.workdir}: another process began the study anew`, {
            hint: 'Open it again; its trials are others.',
          });
        this.decisions.sync();
        return await task();
      } finally {
        this.decisions.took();
      }
    });
  }
}

/** Creates the study, unless another process has just done it. */
async function begin(
  loaded: LoadedExperiment,
  workdir: string,
  { fresh, clock }: { readonly fresh: boolean; readonly clock: Clock },
  observe: RunObserver,
): Promise<void> {
  try {
    const { store, lock } = await beginRun(loaded, workdir, { fresh, clock }, observe);
    store.close();
    lock.release();
  } catch (error) {
    if (fresh || !existsSync(workdir)) throw error;
    (await waitForWorkdir(workdir)).release();
    if (!hasRun(workdir)) throw error;
    requireSame(workdir, loaded);
  }
}

/** Values that a program told. */
const imported = (values: Values): ObjectiveValues =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, provenance: 'imported' }]));

const isFailure = (result: Values | TrialFailure): result is TrialFailure => typeof result['failed'] === 'string';

/** @param where names it in the error */
function requireStudy(experiment: LoadedExperiment['experiment'], where: string): StudyPlan['experiment'] {
  if (isStudy(experiment)) return experiment;
  throw invalidInput(`${where}: nas evaluates its networks itself`, {
    hint: 'A study has evaluate: {type: tell, input: [height, width, channels], classes: number}; nas run runs this one.',
  });
}

/** The evaluator of a study, as far as decisions need it. */
function evaluatorOf(
  { plan, store }: RunContext & { readonly plan: StudyPlan },
  candidates: CandidateNetworks,
): Candidates {
  const preview = {
    cheap: (genotype: TrialRecord['genotype']) => candidates.cheap(genotype, null),
    describe: (genotype: TrialRecord['genotype']) => ({ network: candidates.network(genotype) }),
  };
  return {
    epochs: plan.experiment.evaluate.epochs,
    preview: () => preview,
    recall: (trial, epochs) => {
      const values = reportOf(store, trial.number, epochs);
      return values && { ...imported(values), ...candidates.known(trial) };
    },
  };
}
