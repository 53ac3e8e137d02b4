import { NasError } from '../../../base/errors.js';
import { Random } from '../../../base/random.js';
import {
  createScheduler,
  loadController,
  SpaceExhausted,
  type AskContext,
  type Controller,
  type SchedulerDecision,
  type Scheduler,
  type Step,
} from '../../../search/index.js';
import { choicesOf, genotypeId } from '../../../spaces/index.js';
import type { Outcome, TrialRecord } from '../../../store/index.js';
import { storedEnqueued } from '../../stored/experiment.js';
import type { RunContext } from '../plan.js';
import type { Evaluator } from '../evaluators/evaluator.js';
import { plainValues } from '../../stored/candidates.js';
import { Knowledge } from './knowledge.js';
import { SearchProgress } from './progress.js';
import { nextProposal } from './proposals.js';
import { type Promotion, type StepLog, storedSteps } from './steps.js';

/**
 * The search: step by step, a new trial is asked of the controller, or one that was evaluated in part goes on or is
 * stopped, as the scheduler decides; until every trial has its outcome. What it knows is kept up as it goes: a step costs
 * the same however many there were.
 */
export class Search {
  private readonly scheduler: Scheduler;
  private readonly log: StepLog;
  private readonly knowledge: Knowledge;
  private readonly progress: SearchProgress;
  private readonly atWork = new AtWork();
  /** Steps that are done and of which nobody knows yet. */
  private news: number[];
  /** All trials asked so far, by number, as the store has them. */
  private readonly trials: TrialRecord[];
  /** The step for which the controller had nothing more to propose. */
  private refused: number | undefined;

  /** @throws NasError `invalid-input` when the controller is a module that gives none. */
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
    this.news = [...this.log.steps.keys()].filter((step) => this.log.isDone(step));
    this.knowledge = new Knowledge(this.log, this.trials, objectives, epochs);
    this.progress = new SearchProgress(context, this.trials);
  }

  /** @throws NasError `infeasible` when no candidate keeps the constraints and no trial is complete. */
  async run(): Promise<void> {
    for (let number = 0; ; number++) {
      if (this.log.isDone(number)) continue;
      const recorded = this.log.at(number);
      if (recorded !== undefined) await this.turn(number);
      const step = recorded ?? (await this.next(number));
      if (step === undefined || this.context.stopping()) break;
      this.atWork.begin(number, this.work(number, step));
    }
    await this.atWork.untilDone(Infinity);
    this.progress.close(this.log.judged);
  }

  /** Waits until a step that was decided before the run was interrupted may begin again. */
  private async turn(number: number): Promise<void> {
    const { parallel, order } = this.context.plan.experiment.search;
    if (order === 'delayed') await this.atWork.untilDone(number - parallel + 1);
    else while (this.atWork.size >= parallel) await this.atWork.untilOneIsDone();
  }

  /**
   * Lets the knowledge for step `number` grow as long as the step cannot be decided from it. With delayed feedback, it is
   * exactly the results of steps 0 ... n - parallel, then of one step more, and so on, whatever has finished; without, of
   * all steps that have finished. Ends when the run is to stop.
   * @yields whether nothing more will become known by waiting.
   */
  private async *learning(number: number): AsyncGenerator<boolean, void, void> {
    const { parallel, order } = this.context.plan.experiment.search;
    await this.turn(number);
    for (let end = number - parallel + 1; !this.context.stopping(); end++) {
      if (order === 'delayed') this.knowledge.upTo(end);
      else for (const step of this.news) this.knowledge.learn(step);
      this.news = [];
      const settled = order === 'delayed' ? end === number : this.atWork.size === 0;
      yield settled;
      if (settled) return;
      if (order === 'delayed') await this.atWork.untilDone(end + 1);
      else await this.atWork.untilOneIsDone();
    }
  }

  /** The next step, decided and stored; undefined when the search is over, or told to stop. */
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
    const { told, pending, knows } = this.knowledge;
    const preview = this.evaluator.preview(knows);
    const context: AskContext = {
      number,
      history: told,
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

  /** Gives a trial up that was evaluated in part; its values are those of that part. */
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

  /** Whether a refusal of the controller means that no more trials are asked, rather than the end of the run. */
  private endsAsking(error: unknown): boolean {
    const { observe } = this.context;
    const exhausted = error instanceof SpaceExhausted;
    if (!exhausted && !(error instanceof NasError && error.code === 'infeasible')) return false;
    if (!exhausted && !this.log.isFruitful && this.atWork.size === 0) return false;
    const message = `${error.message}; the search ends after ${this.trials.length} trials`;
    if (this.refused === undefined) observe({ kind: exhausted ? 'note' : 'warning', message });
    return true;
  }

  /** Does one step. */
  private async work(number: number, { trial, epochs }: Step): Promise<void> {
    const evaluated = await this.evaluator.evaluate(this.trials[trial], epochs);
    if (evaluated === undefined) return;
    const values = plainValues(evaluated.values);
    this.log.finish(number, evaluated.state === 'complete' || evaluated.state === 'paused' ? values : null);
    this.news.push(number);
    if (evaluated.state !== 'paused') {
      this.finish(trial, evaluated);
      return;
    }
    this.context.observe({ kind: 'trial-paused', number: trial, epochs, of: this.evaluator.epochs ?? epochs, values });
    this.progress.tell(this.log.judged);
  }

  private finish(number: number, outcome: Outcome): void {
    const { store, observe } = this.context;
    const { values, ...ending } = outcome;
    store.trials.finish(number, outcome);
    observe({ kind: 'trial-finished', stage: 'search', number, ...ending, values: plainValues(values) });
    this.progress.ended(this.refresh(number), this.log.judged);
  }
}

/** Steps that are being done, by their numbers. Whoever waits for one sees its error; when nobody does, the end does. */
class AtWork {
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

  /** Waits for those before `end`. @throws what any step has thrown. */
  async untilDone(end: number): Promise<void> {
    await Promise.all([...this.running].filter(([step]) => step < end).map(([, work]) => work));
    this.check();
  }

  /** Waits for one of them, if there are any. @throws what any step has thrown. */
  async untilOneIsDone(): Promise<void> {
    if (this.running.size > 0) await Promise.race(this.running.values());
    this.check();
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
