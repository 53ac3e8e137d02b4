import { NasError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { createController, SpaceExhausted, type AskContext, type Controller, type Told } from '../../search/index.js';
import { choicesOf, genotypeId } from '../../spaces/index.js';
import type { Outcome, TrialRecord } from '../../store/index.js';
import { storedEnqueued } from '../warm-start/index.js';
import type { RunContext } from './context.js';
import type { Evaluator } from './evaluators/index.js';
import { plainValues, reportFrontier } from './frontier.js';

const isTold = (state: TrialRecord['state']): state is Told['state'] => state !== 'waiting' && state !== 'running';

const isFinished = (trial: TrialRecord | undefined): boolean => trial !== undefined && isTold(trial.state);

/** The search: asks the controller, has its candidates evaluated and tells it, until every trial has its outcome. */
export class Search {
  private readonly controller: Controller;
  private readonly running = new Map<number, Promise<void>>();
  /** All trials asked so far, by number, as the store has them. */
  private readonly trials: TrialRecord[];
  /** What the controller is told, kept: the same history is then the same objects, which it need not read again. */
  private readonly told = new Map<number, Told>();

  constructor(
    private readonly context: RunContext,
    private readonly evaluator: Evaluator,
  ) {
    const { space, experiment } = context.plan;
    this.trials = context.store.trials.all();
    this.controller = createController(experiment.search, {
      space,
      objectives: experiment.objectives,
      seed: experiment.seed,
      enqueued: storedEnqueued(context.store),
    });
  }

  /** @throws NasError `infeasible` when no candidate keeps the constraints and no trial is complete. */
  async run(): Promise<void> {
    const { plan, stopping } = this.context;
    const { trials } = plan.experiment.search;
    for (let number = 0; number < trials; number++) {
      const stored = this.trials.at(number);
      if (isFinished(stored)) continue;
      await this.turn(number);
      if (stopping()) break;
      const trial = stored ?? this.ask(number);
      if (trial === undefined) break;
      const work = this.work(trial).finally(() => this.running.delete(number));
      // Whoever waits for this trial sees its error; until then it must not count as unhandled.
      work.catch(() => undefined);
      this.running.set(number, work);
    }
    await Promise.all(this.running.values());
  }

  /** Waits until trial `number` may be asked: delayed feedback, or (async) any free worker. */
  private async turn(number: number): Promise<void> {
    const { parallel, order } = this.context.plan.experiment.search;
    if (order === 'delayed') {
      await Promise.all([...this.running].filter(([other]) => other <= number - parallel).map(([, work]) => work));
    } else {
      while (this.running.size >= parallel) await Promise.race(this.running.values());
    }
  }

  /** Asks the controller and stores its proposal; undefined when the search ends here. */
  private ask(number: number): TrialRecord | undefined {
    const { plan, store, observe } = this.context;
    const { parallel, order } = plan.experiment.search;
    const earlier = this.trials;
    const isKnown = (trial: TrialRecord) =>
      isFinished(trial) && (order === 'async' || trial.number <= number - parallel);
    const pending = earlier.filter((trial) => !isKnown(trial));
    const known = new Set(earlier.filter(isKnown).map((trial) => trial.number));
    const foresight = this.evaluator.foresee((trial) => known.has(trial));
    const context: AskContext = {
      number,
      history: earlier.filter((trial) => known.has(trial.number)).map((trial) => this.tell(trial)),
      pending: pending.map(({ genotype }) => genotype),
      cheap: (genotype) => foresight.cheap(genotype),
    };
    try {
      const { genotype, reason, rejected } = this.controller.ask(context);
      const choices = choicesOf(plan.space.decisions, genotype);
      const id = genotypeId(genotype);
      store.trials.ask({
        number,
        genotype,
        genotypeId: id,
        choices,
        seed: new Random(plan.experiment.seed, 'trial', number).bits(),
        reason,
        rejected,
        pending: pending.map((trial) => trial.number),
        ...foresight.describe(genotype),
      });
      observe({ kind: 'trial-asked', number, genotypeId: id, reason, rejected, choices });
      return this.refresh(number);
    } catch (error) {
      if (!this.endsSearch(error, number)) throw error;
      return undefined;
    }
  }

  /** Reads one trial again after it changed. */
  private refresh(number: number): TrialRecord | undefined {
    const trial = this.context.store.trials.get(number);
    if (trial !== undefined) this.trials[number] = trial;
    return trial;
  }

  private tell({ number, genotype, state, told }: TrialRecord): Told {
    const known = this.told.get(number);
    if (known !== undefined) return known;
    if (!isTold(state)) throw new Error(`trial ${number} is ${state} and has nothing to tell`);
    const telling = { number, genotype, state, values: told };
    this.told.set(number, telling);
    return telling;
  }

  /** Whether a refusal of the controller ends the search with what it found, rather than the run with an error. */
  private endsSearch(error: unknown, number: number): boolean {
    const { store, observe } = this.context;
    if (error instanceof SpaceExhausted) {
      observe({ kind: 'note', message: `${error.message}; the search ends after ${number} trials` });
      return true;
    }
    if (!(error instanceof NasError) || error.code !== 'infeasible') return false;
    if (store.trials.progress().complete === 0 && this.running.size === 0) return false;
    observe({ kind: 'warning', message: `${error.message}; the search ends after ${number} trials` });
    return true;
  }

  /** Brings one trial from where it stands to its outcome. */
  private async work(trial: TrialRecord): Promise<void> {
    const outcome = await this.evaluator.evaluate(trial);
    if (outcome !== undefined) this.finish(trial.number, outcome);
  }

  private finish(number: number, outcome: Outcome): void {
    const { store, observe } = this.context;
    const { values, ...ending } = outcome;
    store.trials.finish(number, outcome);
    this.refresh(number);
    observe({ kind: 'trial-finished', stage: 'search', number, ...ending, values: plainValues(values) });
    const { complete, pruned, failed } = store.trials.progress();
    const { trials: total } = this.context.plan.experiment.search;
    observe({ kind: 'progress', phase: 'search', done: complete + pruned + failed, total, unit: 'trials' });
    if (ending.state === 'complete') reportFrontier(this.context, this.trials);
  }
}
