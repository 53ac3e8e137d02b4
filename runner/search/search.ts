import type { Step } from '../../search/index.js';
import type { Evaluator } from '../evaluators/evaluator.js';
import type { RunContext } from '../plan.js';
import { Decisions } from './decisions.js';

/** The search: decides step by step and evaluates, several steps at once, until every trial has its outcome. */
export class Search {
  private readonly running = new RunningSteps();
  /** Finished steps that the knowledge does not include yet. */
  private finished: number[];

  /** @throws NasError `invalid-input` when the controller's module exports none. */
  static async of(context: RunContext, evaluator: Evaluator): Promise<Search> {
    return new Search(context, evaluator, await Decisions.of(context, evaluator));
  }

  private constructor(
    private readonly context: RunContext,
    private readonly evaluator: Evaluator,
    private readonly decisions: Decisions,
  ) {
    const { log } = decisions;
    this.finished = [...log.steps.keys()].filter((step) => log.isDone(step));
  }

  /** @throws NasError `infeasible` when no candidate keeps the constraints and no trial is complete. */
  async run(): Promise<void> {
    const { log } = this.decisions;
    for (let number = 0; ; number++) {
      if (log.isDone(number)) continue;
      const recorded = log.at(number);
      if (recorded !== undefined) await this.freeWorker(number);
      const step = recorded ?? (await this.next(number));
      if (step === undefined || this.context.stopping()) break;
      this.running.begin(number, this.work(number, step));
    }
    await this.running.untilDone(Infinity);
    this.decisions.close();
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
      if (order === 'delayed') this.decisions.knowledge.upTo(end);
      else for (const step of this.finished) this.decisions.knowledge.learn(step);
      this.finished = [];
      const isIdle = order === 'delayed' ? end === number : this.running.size === 0;
      yield isIdle;
      if (isIdle) return;
      if (order === 'delayed') await this.running.untilDone(end + 1);
      else await this.running.untilOneIsDone();
    }
  }

  /** The next step, decided and stored; undefined when the search is over, or has to stop. */
  private async next(number: number): Promise<Step | undefined> {
    for await (const isIdle of this.learning(number)) {
      const step = this.decisions.decide(isIdle);
      if (step !== undefined) return step;
    }
    return undefined;
  }

  private async work(number: number, { trial, epochs }: Step): Promise<void> {
    const evaluated = await this.evaluator.evaluate(this.decisions.trials[trial], epochs);
    if (evaluated === undefined) return;
    this.decisions.record(number, evaluated);
    this.finished.push(number);
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
