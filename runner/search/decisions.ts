import { NasError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import {
  createScheduler,
  loadController,
  SpaceExhausted,
  type AskContext,
  type Controller,
  type Enqueued,
  type Scheduler,
  type SchedulerDecision,
  type Step,
} from '../../search/index.js';
import { choicesOf, genotypeId } from '../../spaces/index.js';
import type { EventRecord, Outcome, TrialRecord } from '../../store/index.js';
import { plainValues } from '../stored/candidates.js';
import type { Experiment } from '../../experiments/schema/experiment.js';
import { storedEarlier, storedEnqueued } from '../stored/experiment.js';
import type { PartialReport } from '../stored/reports.js';
import type { Evaluator, Paused } from '../evaluators/evaluator.js';
import type { RunContext } from '../plan.js';
import { Knowledge, storedSteps, type Promotion, type StepLog } from './knowledge.js';
import { limitsIn } from '../../experiments/schema/run-experiment.js';
import { SearchProgress } from './progress.js';

/** The evaluator, as far as decisions need it. */
export type Candidates = Pick<Evaluator, 'preview' | 'asked' | 'epochs' | 'recall' | 'abandon'>;

/**
 * The decisions of a search: the scheduler has a new trial asked of the controller, a partly evaluated one continued, or
 * one stopped. Each is stored when it is made. The knowledge that they follow from grows incrementally: a decision costs
 * the same however many there were.
 */
export class Decisions {
  readonly log: StepLog;
  readonly knowledge: Knowledge;
  /** All trials asked so far, by number, as the store has them. */
  readonly trials: TrialRecord[];
  private readonly scheduler: Scheduler;
  private readonly progress: SearchProgress;
  /** The step for which the controller had nothing more to propose. */
  private refused: number | undefined;
  /** The latest event that is known here. */
  private seen: number;
  /** Trials of the whole search; `--trials` may extend it while a study is open. */
  private total: number;

  /** @throws NasError `invalid-input` when the controller's module exports none. */
  static async of(context: RunContext, evaluator: Candidates): Promise<Decisions> {
    const { space, experiment } = context.plan;
    const { search, objectives, seed } = experiment;
    const enqueued = [...storedEnqueued(context.store)];
    const controller = await loadController(search, {
      space,
      objectives,
      limits: limitsIn(experiment),
      seed,
      enqueued,
      earlier: storedEarlier(context.store),
    });
    // Trials and events of one moment: another process may decide meanwhile.
    return context.store.reading(() => new Decisions(context, evaluator, controller, enqueued));
  }

  /** @param enqueued the controller's own list; networks that are enqueued later join it. */
  private constructor(
    private readonly context: RunContext,
    private readonly evaluator: Candidates,
    private readonly controller: Controller,
    private readonly enqueued: Enqueued[],
  ) {
    const { store, plan } = context;
    const { search, objectives } = plan.experiment;
    this.total = search.trials;
    this.seen = store.events.latest();
    this.trials = store.trials.all();
    const epochs = evaluator.epochs ?? 1;
    this.scheduler = createScheduler(search.fidelity, { objectives, epochs });
    this.log = storedSteps(store, this.trials, this.scheduler.first, evaluator);
    this.knowledge = new Knowledge(this.log, this.trials, objectives, epochs);
    this.progress = new SearchProgress(context, this.trials);
  }

  /**
   * The next step, decided from the knowledge and stored; undefined when it has to wait for results, or nothing is left.
   * @param isIdle whether waiting adds nothing more.
   */
  decide(isIdle: boolean): Step | undefined {
    const { knowledge, log, trials, context } = this;
    while (!context.stopping()) {
      const decision = this.scheduler.decide({
        asked: trials.length,
        mayAsk: this.mayAsk && this.refused !== log.steps.length,
        steps: log.steps,
        results: knowledge.known,
        ended: knowledge.ended,
        isIdle,
      });
      if (decision === undefined) return undefined;
      if (decision.kind === 'stop') this.stop(decision.trial, decision.reason);
      else {
        const step = decision.kind === 'promote' ? this.promote(decision) : this.ask();
        if (step !== undefined) return step;
      }
    }
    return undefined;
  }

  get planned(): number {
    return this.total;
  }

  /** Whether fewer trials were asked than are planned, or the budget has time for more, and the search has time left. */
  get mayAsk(): boolean {
    const { budget, outOfTime } = this.context;
    return (budget?.mayAsk() ?? this.trials.length < this.total) && outOfTime?.() !== true;
  }

  /** Records the result of a step. */
  record(number: number, evaluated: Outcome | Paused): void {
    const { log, context, evaluator } = this;
    const { trial, epochs } = log.steps[number];
    const values = plainValues(evaluated.values);
    // First: where the disk is full, the step is not done.
    if (evaluated.state !== 'paused') context.store.trials.finish(trial, evaluated);
    log.finish(number, evaluated.state === 'complete' || evaluated.state === 'paused' ? values : null);
    if (evaluated.state !== 'paused') this.ended(trial, evaluated);
    else {
      context.observe({ kind: 'trial-paused', number: trial, epochs, of: evaluator.epochs ?? epochs, values });
      this.progress.report(log.evaluated);
    }
  }

  /** Makes all results known. */
  learnAll(): void {
    for (const step of this.log.steps.keys()) if (this.log.isDone(step)) this.knowledge.learn(step);
  }

  /** Takes in what other processes stored since this one last decided, recorded or took in something. */
  sync(): void {
    const { store } = this.context;
    for (const event of store.events.all(this.seen)) this.take(event);
    this.took();
  }

  /** Marks all stored events as known here. */
  took(): void {
    this.seen = this.context.store.events.latest();
  }

  private take({ kind, trial, detail }: EventRecord): void {
    // Written by `Run.extend`.
    if (kind === 'extended') this.total = (detail as { readonly experiment: Experiment }).experiment.search.trials;
    // The controller may have refused before there was another network to try.
    if (kind === 'enqueued') this.refused = undefined;
    if (trial === null) return;
    const { log, knowledge } = this;
    switch (kind) {
      case 'asked':
        this.refresh(trial);
        knowledge.asked(trial);
        log.add({ trial, epochs: this.scheduler.first });
        break;
      case 'promoted':
        log.add({ trial, epochs: (detail as Promotion).epochs });
        break;
      case 'reported':
        this.learn(trial, (detail as PartialReport).values);
        break;
      case 'finished': {
        const { state, observed } = this.refresh(trial);
        if (state === 'pruned') knowledge.stopped(trial);
        else this.learn(trial, state === 'complete' ? observed : null);
        break;
      }
    }
  }

  private learn(trial: number, values: TrialRecord['observed'] | null): void {
    const step = this.log.latest(trial);
    if (step === undefined) throw new Error(`trial ${trial} has a result and was not asked`);
    this.log.finish(step, values);
    this.knowledge.learn(step);
  }

  close(): void {
    this.progress.close(this.log.evaluated);
  }

  /** Asks the controller and stores its proposal; undefined when it has none, or the run is to stop. */
  private ask(): Step | undefined {
    const { plan, store, observe } = this.context;
    const number = this.trials.length;
    const { history, pending, knows } = this.knowledge;
    const preview = this.evaluator.preview(knows);
    const context: AskContext = {
      number,
      history,
      pending: pending.map(({ genotype }) => genotype),
      cheap: preview.cheap,
      unpredicted: preview.unpredicted ?? [],
    };
    this.readEnqueued();
    try {
      const seed = new Random(plan.experiment.seed, 'trial', number).bits();
      const began = performance.now();
      const { genotype, reason, rejected } = this.controller.ask(context);
      const askMs = performance.now() - began;
      const choices = choicesOf(plan.space.decisions, genotype);
      const id = genotypeId(genotype);
      // A trial that a killed run asked for is not asked for again.
      store.transaction(() => {
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
        this.evaluator.asked?.(number, history);
      });
      observe({ kind: 'trial-asked', number, genotypeId: id, reason, rejected, choices, askMs });
      this.refresh(number);
      this.knowledge.asked(number);
      return this.issue({ trial: number, epochs: this.scheduler.first });
    } catch (error) {
      if (!this.endsAsking(error)) throw error;
      this.refused = this.log.steps.length;
      return undefined;
    }
  }

  /** Networks may be enqueued at any time, also by another process. */
  private readEnqueued(): void {
    const enqueued = storedEnqueued(this.context.store);
    this.enqueued.push(...enqueued.slice(this.enqueued.length));
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
    const outcome = { state: 'pruned', values, message } as const;
    this.context.store.trials.finish(trial, outcome);
    this.ended(trial, outcome);
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
    if (!exhausted && !this.log.hasValues && this.log.isComplete) return false;
    const message = `${error.message}; the search ends after ${this.trials.length} trials`;
    if (this.refused === undefined) observe({ kind: exhausted ? 'note' : 'warning', message });
    return true;
  }

  private ended(number: number, { values, ...ending }: Outcome): void {
    this.context.observe({ kind: 'trial-finished', stage: 'search', number, ...ending, values: plainValues(values) });
    this.progress.ended(this.refresh(number), this.log.evaluated);
  }
}
