import { setImmediate as nextTurn } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import {
  createScheduler,
  loadController,
  SpaceExhausted,
  type AskContext,
  type Controller,
  type Proposal,
  type Scheduler,
  type SchedulerDecision,
  type Step,
} from '../../../search/index.js';
import { choicesOf, genotypeId } from '../../../spaces/index.js';
import type { Outcome, TrialRecord } from '../../../store/index.js';
import { plainValues } from '../../stored/candidates.js';
import { storedEnqueued } from '../../stored/experiment.js';
import type { Evaluator } from '../evaluators/evaluator.js';
import type { RunContext } from '../plan.js';
import { Knowledge, storedSteps, type Promotion, type StepLog } from './knowledge.js';
import { SearchProgress } from './progress.js';
import type { ProposalFilter } from './proposal-filters.js';

/**
 * The search: step by step, the scheduler has a new trial asked of the controller, a partly evaluated one continued, or
 * one stopped, until every trial has its outcome. Its knowledge grows incrementally: a step costs the same however many
 * there were.
 */
export class Search {
  private readonly scheduler: Scheduler;
  private readonly log: StepLog;
  private readonly knowledge: Knowledge;
  private readonly progress: SearchProgress;
  private readonly running = new RunningSteps();
  /** Finished steps that the knowledge does not include yet. */
  private finished: number[];
  /** All trials asked so far, by number, as the store has them. */
  private readonly trials: TrialRecord[];
  /** The step for which the controller had nothing more to propose. */
  private refused: number | undefined;

  /** @throws NasError `invalid-input` when the controller's module exports none. */
  static async of(context: RunContext, evaluator: Evaluator): Promise<Search> {
    const { space, experiment } = context.plan;
    const { search, objectives, seed } = experiment;
    const enqueued = storedEnqueued(context.store);
    return new Search(context, evaluator, await loadController(search, { space, objectives, seed, enqueued }));
  }

  private constructor(
    private readonly context: RunContext,
    private readonly evaluator: Evaluator,
    private readonly controller: Controller,
  ) {
    const { search, objectives } = context.plan.experiment;
    this.trials = context.store.trials.all();
    const epochs = evaluator.epochs ?? 1;
    this.scheduler = createScheduler(search.fidelity, { objectives, epochs });
    this.log = storedSteps(context.store, this.trials, this.scheduler.first, evaluator);
    this.finished = [...this.log.steps.keys()].filter((step) => this.log.isDone(step));
    this.knowledge = new Knowledge(this.log, this.trials, objectives, epochs);
    this.progress = new SearchProgress(context, this.trials);
  }

  /** @throws NasError `infeasible` when no candidate keeps the constraints and no trial is complete. */
  async run(): Promise<void> {
    for (let number = 0; ; number++) {
      if (this.log.isDone(number)) continue;
      const recorded = this.log.at(number);
      if (recorded !== undefined) await this.freeWorker(number);
      const step = recorded ?? (await this.next(number));
      if (step === undefined || this.context.stopping()) break;
      this.running.begin(number, this.work(number, step));
    }
    await this.running.untilDone(Infinity);
    this.progress.close(this.log.judged);
  }

  /** Waits until a step may begin: with delayed feedback, until the step `parallel` before it is done. */
  private async freeWorker(number: number): Promise<void> {
    const { parallel, order } = this.context.plan.experiment.search;
    if (order === 'delayed') await this.running.untilDone(number - parallel + 1);
    else while (this.running.size >= parallel) await this.running.untilOneIsDone();
  }

  /**
   * Extends the knowledge for step `number` as long as the step cannot be decided from it. With delayed feedback, it is
   * exactly the results of steps 0 ... n - parallel, then of one step more, and so on, whatever has finished; without, of
   * all steps that have finished. Ends when the run is to stop.
   * @yields whether waiting adds nothing more.
   */
  private async *learning(number: number): AsyncGenerator<boolean, void, void> {
    const { parallel, order } = this.context.plan.experiment.search;
    await this.freeWorker(number);
    for (let end = number - parallel + 1; !this.context.stopping(); end++) {
      if (order === 'delayed') this.knowledge.upTo(end);
      else for (const step of this.finished) this.knowledge.learn(step);
      this.finished = [];
      const settled = order === 'delayed' ? end === number : this.running.size === 0;
      yield settled;
      if (settled) return;
      if (order === 'delayed') await this.running.untilDone(end + 1);
      else await this.running.untilOneIsDone();
    }
  }

  /** The next step, decided and stored; undefined when the search is over, or has to stop. */
  private async next(number: number): Promise<Step | undefined> {
    for await (const settled of this.learning(number)) {
      const step = await this.decide(number, settled);
      if (step !== undefined) return step;
    }
    return undefined;
  }

  private async decide(number: number, settled: boolean): Promise<Step | undefined> {
    const { knowledge, log, trials, context } = this;
    while (!context.stopping()) {
      const decision = this.scheduler.decide({
        asked: trials.length,
        mayAsk:
          trials.length < context.plan.experiment.search.trials &&
          this.refused !== number &&
          context.outOfTime?.() !== true,
        steps: log.steps,
        results: knowledge.known,
        ended: knowledge.ended,
        settled,
      });
      if (decision === undefined) return undefined;
      if (decision.kind === 'stop') this.stop(decision.trial, decision.reason);
      else {
        const step = decision.kind === 'promote' ? this.promote(decision) : await this.ask(number);
        if (step !== undefined) return step;
      }
    }
    return undefined;
  }

  /** Asks the controller and stores its proposal; undefined when it has none, or the run is to stop. */
  private async ask(step: number): Promise<Step | undefined> {
    const { plan, store, observe } = this.context;
    const number = this.trials.length;
    const { history, pending, knows } = this.knowledge;
    const preview = this.evaluator.preview(knows);
    const context: AskContext = {
      number,
      history,
      pending: pending.map(({ genotype }) => genotype),
      cheap: preview.cheap,
      untold: preview.untold ?? [],
    };
    try {
      const seed = new Random(plan.experiment.seed, 'trial', number).bits();
      const began = performance.now();
      const { genotype, reason, rejected } = await nextProposal(this.controller, context, this.evaluator.filter, seed);
      const askMs = performance.now() - began;
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
      observe({ kind: 'trial-asked', number, genotypeId: id, reason, rejected, choices, askMs });
      this.refresh(number);
      this.knowledge.asked(number);
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

  /** Prunes a trial that was evaluated in part, with its values so far. */
  private stop(trial: number, message: string): void {
    const { evaluator, log, trials } = this;
    const last = log.at(log.latest(trial) ?? -1);
    const values = last && evaluator.recall?.(trials[trial], last.epochs);
    if (values === undefined) throw new Error(`trial ${trial} is stopped without a result`);
    this.finish(trial, { state: 'pruned', values, message });
    this.knowledge.stopped(trial);
    evaluator.abandon?.(trial);
  }

  /** Reads one trial again after it changed. */
  private refresh(number: number): TrialRecord {
    const trial = this.context.store.trials.get(number);
    if (trial === undefined) throw new Error(`trial ${number} is not in the store`);
    return (this.trials[number] = trial);
  }

  /** Whether a refusal of the controller ends the asking, rather than the run. */
  private endsAsking(error: unknown): boolean {
    const { observe } = this.context;
    const exhausted = error instanceof SpaceExhausted;
    if (!exhausted && !(error instanceof NasError && error.code === 'infeasible')) return false;
    if (!exhausted && !this.log.isFruitful && this.running.size === 0) return false;
    const message = `${error.message}; the search ends after ${this.trials.length} trials`;
    if (this.refused === undefined) observe({ kind: exhausted ? 'note' : 'warning', message });
    return true;
  }

  private async work(number: number, { trial, epochs }: Step): Promise<void> {
    const evaluated = await this.evaluator.evaluate(this.trials[trial], epochs);
    if (evaluated === undefined) return;
    const values = plainValues(evaluated.values);
    this.log.finish(number, evaluated.state === 'complete' || evaluated.state === 'paused' ? values : null);
    this.finished.push(number);
    if (evaluated.state !== 'paused') {
      this.finish(trial, evaluated);
      return;
    }
    this.context.observe({ kind: 'trial-paused', number: trial, epochs, of: this.evaluator.epochs ?? epochs, values });
    this.progress.report(this.log.judged);
  }

  private finish(number: number, outcome: Outcome): void {
    const { store, observe } = this.context;
    const { values, ...ending } = outcome;
    store.trials.finish(number, outcome);
    observe({ kind: 'trial-finished', stage: 'search', number, ...ending, values: plainValues(values) });
    this.progress.ended(this.refresh(number), this.log.judged);
  }
}

/** Tracks running steps by number. The first failure rejects the next wait. */
class RunningSteps {
  private readonly running = new Map<number, Promise<void>>();
  private failure: { readonly error: unknown } | undefined;

  get size(): number {
    return this.running.size;
  }

  begin(step: number, task: Promise<void>): void {
    const work = task.finally(() => this.running.delete(step));
    work.catch((error: unknown) => (this.failure ??= { error }));
    this.running.set(step, work);
  }

  /** Waits for the steps before `end`. @throws the first error of any step. */
  async untilDone(end: number): Promise<void> {
    await Promise.all([...this.running].filter(([step]) => step < end).map(([, work]) => work));
    this.check();
  }

  /** Waits for one of the steps, if there are any. @throws the first error of any step. */
  async untilOneIsDone(): Promise<void> {
    if (this.running.size > 0) await Promise.race(this.running.values());
    this.check();
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}

/**
 * The controller's next proposals, each asked for as if those before it were pending: at least one, and fewer than `count`
 * when the controller has no others. An enqueued network stands alone.
 * @throws NasError the controller's, when it has no proposal.
 */
async function nextProposals(controller: Controller, context: AskContext, count: number): Promise<readonly Proposal[]> {
  const proposals = [controller.ask(context)];
  while (proposals.length < count && proposals[0].source.kind === 'controller') {
    // An ask may take a while; other events are handled in between.
    await nextTurn();
    const pending = [...context.pending, ...proposals.map(({ genotype }) => genotype)];
    try {
      proposals.push(controller.ask({ ...context, pending }));
    } catch (error) {
      if (error instanceof NasError && error.code === 'infeasible') break;
      throw error;
    }
  }
  return proposals;
}

/**
 * The controller's proposal, or the one of its next proposals that the filter chooses.
 * @param seed of the network's initial weights.
 * @throws NasError the controller's, when it has no proposal.
 */
export async function nextProposal(
  controller: Controller,
  context: AskContext,
  filter: ProposalFilter | undefined,
  seed: number,
): Promise<Proposal> {
  const proposals = await nextProposals(controller, context, filter?.of ?? 1);
  return filter === undefined || proposals.length === 1 ? proposals[0] : filter.choose(proposals, context, seed);
}
