import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import {
  createController,
  createScheduler,
  SpaceExhausted,
  type AskContext,
  type Controller,
  type SchedulerDecision,
  type Scheduler,
  type Standing,
  type Step,
} from '../../../search/index.js';
import { choicesOf, genotypeId } from '../../../spaces/index.js';
import type { Outcome, TrialRecord } from '../../../store/index.js';
import { storedEnqueued } from '../../warm-start/index.js';
import type { RunContext } from '../context.js';
import type { Evaluator } from './evaluators/index.js';
import { plainValues, reportFrontier } from './frontier.js';
import { History } from './history.js';
import { nextProposal } from './proposals.js';
import type { Known, StepLog } from './step-log.js';
import { isFinished, storedSteps, type Promotion } from './stored-steps.js';

/** What may be used for a decision. */
interface Knowledge {
  readonly known: Known;
  /** Whether nothing more will become known by waiting. */
  readonly settled: boolean;
}

/**
 * The search: step by step, a new trial is asked of the controller, or one that was evaluated in part goes on or is
 * stopped, as the scheduler decides; until every trial has its outcome.
 */
export class Search {
  private readonly controller: Controller;
  private readonly scheduler: Scheduler;
  private readonly log: StepLog;
  private readonly history: History;
  /** Steps at work, by their position in the log. */
  private readonly running = new Map<number, Promise<void>>();
  /** All trials asked so far, by number, as the store has them. */
  private readonly trials: TrialRecord[];
  private failure: { readonly error: unknown } | undefined;
  /** The step for which the controller had nothing more to propose. */
  private refused: number | undefined;

  constructor(
    private readonly context: RunContext,
    private readonly evaluator: Evaluator,
  ) {
    const { space, experiment } = context.plan;
    const { search, objectives, seed } = experiment;
    this.trials = context.store.trials.all();
    this.controller = createController(search, { space, objectives, seed, enqueued: storedEnqueued(context.store) });
    const epochs = evaluator.epochs ?? 1;
    this.scheduler = createScheduler(search.fidelity, { objectives, epochs });
    this.log = storedSteps(context.store, this.scheduler.first, evaluator);
    this.history = new History(this.log, objectives, epochs);
  }

  /** @throws NasError `infeasible` when no candidate keeps the constraints and no trial is complete. */
  async run(): Promise<void> {
    for (let number = 0; ; number++) {
      if (this.log.isDone(number)) continue;
      const recorded = this.log.at(number);
      if (recorded !== undefined) await this.turn(number);
      const step = recorded ?? (await this.next(number));
      if (step === undefined || this.context.stopping()) break;
      this.begin(number, step);
    }
    await Promise.all(this.running.values());
    this.check();
  }

  private begin(number: number, step: Step): void {
    const work = this.work(number, step).finally(() => this.running.delete(number));
    // Whoever waits for this step sees its error; when nobody does, the end of the search does.
    work.catch((error: unknown) => (this.failure ??= { error }));
    this.running.set(number, work);
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Waits for the steps before `end` that are at work. */
  private async untilDone(end: number): Promise<void> {
    await Promise.all([...this.running].filter(([step]) => step < end).map(([, work]) => work));
    this.check();
  }

  private async untilOneIsDone(): Promise<void> {
    if (this.running.size > 0) await Promise.race(this.running.values());
    this.check();
  }

  /** Waits until a step that was decided before the run was interrupted may begin again. */
  private async turn(number: number): Promise<void> {
    const { parallel, order } = this.context.plan.experiment.search;
    if (order === 'delayed') await this.untilDone(number - parallel + 1);
    else while (this.running.size >= parallel) await this.untilOneIsDone();
  }

  /**
   * What step `number` may be decided from, growing as long as it cannot be. With delayed feedback, these are exactly the
   * results of steps 0 ... n - parallel, then of one step more, and so on, whatever has finished; without, of all steps
   * that have finished.
   */
  private async *knowledge(number: number): AsyncGenerator<Knowledge, void, void> {
    const { parallel, order } = this.context.plan.experiment.search;
    if (order === 'delayed') {
      for (let end = number - parallel + 1; end <= number; end++) {
        await this.untilDone(end);
        yield { known: (step) => step < end, settled: end === number };
      }
      return;
    }
    while (this.running.size >= parallel) await this.untilOneIsDone();
    for (;;) {
      const settled = this.running.size === 0;
      yield { known: (step) => this.log.isDone(step), settled };
      if (settled) return;
      await this.untilOneIsDone();
    }
  }

  /** The next step, decided and stored; undefined when the search is over, or told to stop. */
  private async next(number: number): Promise<Step | undefined> {
    for await (const knowledge of this.knowledge(number)) {
      if (this.context.stopping()) return undefined;
      const step = await this.decide(number, knowledge);
      if (step !== undefined) return step;
    }
    return undefined;
  }

  private async decide(number: number, knowledge: Knowledge): Promise<Step | undefined> {
    while (!this.context.stopping()) {
      const decision = this.scheduler.decide(this.standing(number, knowledge));
      if (decision === undefined) return undefined;
      if (decision.kind === 'stop') this.stop(decision.trial, decision.reason);
      else {
        const step = decision.kind === 'promote' ? this.promote(decision) : await this.ask(number, knowledge.known);
        if (step !== undefined) return step;
      }
    }
    return undefined;
  }

  private standing(number: number, { known, settled }: Knowledge): Standing {
    const { log, trials, refused } = this;
    const hasEnded = (trial: TrialRecord): boolean => {
      const last = log.latest(trial.number);
      return isFinished(trial) && last !== undefined && known(last);
    };
    return {
      asked: trials.length,
      mayAsk: trials.length < this.context.plan.experiment.search.trials && refused !== number,
      steps: log.steps,
      results: log.resultsOf(known),
      ended: new Set(trials.filter(hasEnded).map((trial) => trial.number)),
      settled,
    };
  }

  /** Asks the controller and stores its proposal; undefined when it has none, or the run is to stop. */
  private async ask(step: number, known: Known): Promise<Step | undefined> {
    const { plan, store, observe } = this.context;
    const number = this.trials.length;
    const [told, pending] = this.history.at(this.trials, known);
    const knownTrials = new Set(told.map((trial) => trial.number));
    const preview = this.evaluator.preview((trial) => knownTrials.has(trial));
    const context: AskContext = {
      number,
      history: told,
      pending: pending.map(({ genotype }) => genotype),
      cheap: preview.cheap,
      untold: preview.untold ?? [],
    };
    try {
      const seed = new Random(plan.experiment.seed, 'trial', number).bits();
      const { genotype, reason, rejected } = await nextProposal(this.controller, context, this.evaluator.filter, seed);
      if (this.context.stopping()) return undefined;
      const choices = choicesOf(plan.space.decisions, genotype);
      const id = genotypeId(genotype);
      store.trials.ask({
        number,
        genotype,
        genotypeId: id,
        choices,
        seed,
        reason,
        rejected,
        pending: pending.map((trial) => trial.number),
        ...preview.describe(genotype),
      });
      observe({ kind: 'trial-asked', number, genotypeId: id, reason, rejected, choices });
      this.refresh(number);
      return this.issue({ trial: number, epochs: this.scheduler.first });
    } catch (error) {
      if (!this.endsAsking(error)) throw error;
      this.refused = step;
      return undefined;
    }
  }

  private promote({ trial, epochs, reason }: Extract<SchedulerDecision, { kind: 'promote' }>): Step {
    const detail: Promotion = { epochs, reason };
    this.context.store.events.add({ kind: 'promoted', trial, detail });
    this.context.observe({ kind: 'trial-promoted', number: trial, epochs, reason });
    return this.issue({ trial, epochs });
  }

  private issue(step: Step): Step {
    this.log.add(step);
    return step;
  }

  /** Gives a trial up that was evaluated in part; its values are those of that part. */
  private stop(trial: number, message: string): void {
    const { evaluator, log, trials } = this;
    const last = log.at(log.latest(trial) ?? -1);
    const values = last && evaluator.recall?.(trials[trial], last.epochs);
    if (values === undefined) throw new Error(`trial ${trial} is stopped without a result`);
    this.finish(trial, { state: 'pruned', values, message });
    evaluator.abandon?.(trial);
  }

  /** Reads one trial again after it changed. */
  private refresh(number: number): void {
    const trial = this.context.store.trials.get(number);
    if (trial !== undefined) this.trials[number] = trial;
  }

  /** Whether a refusal of the controller means that no more trials are asked, rather than the end of the run. */
  private endsAsking(error: unknown): boolean {
    const { observe } = this.context;
    const exhausted = error instanceof SpaceExhausted;
    if (!exhausted && !(error instanceof NasError && error.code === 'infeasible')) return false;
    if (!exhausted && !this.log.isFruitful && this.running.size === 0) return false;
    const message = `${error.message}; the search ends after ${this.trials.length} trials`;
    if (this.refused === undefined) observe({ kind: exhausted ? 'note' : 'warning', message });
    return true;
  }

  /** Does one step. */
  private async work(number: number, { trial, epochs }: Step): Promise<void> {
    const evaluated = await this.evaluator.evaluate(this.trials[trial], epochs);
    if (evaluated === undefined) return;
    if (evaluated.state !== 'paused') {
      this.log.finish(number, evaluated.state === 'complete' ? plainValues(evaluated.values) : null);
      this.finish(trial, evaluated);
      return;
    }
    const values = plainValues(evaluated.values);
    this.log.finish(number, values);
    this.context.observe({ kind: 'trial-paused', number: trial, epochs, of: this.evaluator.epochs ?? epochs, values });
    this.reportProgress();
  }

  private finish(number: number, outcome: Outcome): void {
    const { store, observe } = this.context;
    const { values, ...ending } = outcome;
    store.trials.finish(number, outcome);
    this.refresh(number);
    observe({ kind: 'trial-finished', stage: 'search', number, ...ending, values: plainValues(values) });
    this.reportProgress();
    if (ending.state === 'complete') reportFrontier(this.context, this.trials);
  }

  /** Trials count once they have finished a step, although some will go on. */
  private reportProgress(): void {
    const { trials: total, fidelity } = this.context.plan.experiment.search;
    const complete = this.trials.filter(({ state }) => state === 'complete').length;
    const detail = fidelity.type === 'none' ? {} : { detail: `${complete} to the end` };
    const progress = { done: this.log.judged, total, unit: 'trials', ...detail };
    this.context.observe({ kind: 'progress', phase: 'search', ...progress });
  }
}
