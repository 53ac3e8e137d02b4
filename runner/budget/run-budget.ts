import { canonicalJson } from '../../base/hash.js';
import { sum } from '../../base/statistics.js';
import type { Store, TrialRecord } from '../../store/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { averagedViews, epochImages, isPlaced, renderingSeconds, type TrainConfig } from '../../trainers/index.js';
import { frontierCandidates, trialsOf } from '../stored/candidates.js';
import { experimentOf } from '../stored/experiment.js';
import { taughtAugment } from '../default-augment.js';
import type { RunObserver } from '../events.js';
import type { TimeBudget, TrainingPlan } from '../plan.js';
import { WorkingTime } from '../working-time.js';
import { decidesTrials, hasDecided, startOf, type BudgetDetail } from './decisions.js';
import { forward } from './measure.js';
import { finalSteps, type Pace } from './plan.js';
import { stepsOf, usable, withSteps, type BudgetStart } from './settle.js';

/** Trials whose planned time counts beside the time that trials took. */
const prior = 2;
/** The reserve for final trainings follows the frontier, from this share of the plan's on, up to a share of all. */
const [leastReserve, mostReserve] = [0.5, 0.6];
/** Of fewer trials, a frontier says nothing about the last one. */
const firstTrials = 6;
/** The last trials may end so much of their time after the search's. */
const overrun = 0.25;

/** Seconds in which a network of the frontier answers the training images. */
function answerSeconds({ data }: TrainingPlan, { augment, batch }: TrainConfig, step: number): number {
  const images = epochImages(data, true);
  return ((averagedViews(images, augment) * images) / batch) * step * forward;
}

/** The number of trials and the length of final trainings follow the pace so far. */
export class RunBudget implements TimeBudget {
  private readonly time: WorkingTime;
  private readonly seconds: number;
  private choosesTrials: boolean;

  /** @returns undefined for a run without a budget */
  static of(plan: TrainingPlan, store: Store): RunBudget | undefined {
    const start = startOf(store);
    return start === undefined ? undefined : new RunBudget(plan, store, start);
  }

  private constructor(
    private readonly plan: TrainingPlan,
    private readonly store: Store,
    private readonly start: BudgetStart,
  ) {
    this.seconds = 60 * (plan.experiment.budget?.minutes ?? 0);
    this.time = new WorkingTime(plan.experiment, store, plan.clock);
    this.choosesTrials = decidesTrials(store);
  }

  /** Seconds in which the run worked. */
  get spent(): number {
    return this.start.spent + this.time.ms / 1000;
  }

  get left(): number {
    return this.seconds - this.spent;
  }

  get trials(): number {
    const { trials } = this.plan.experiment.search;
    if (!this.choosesTrials) return trials;
    const { asked, running, pace } = this.progress();
    const more = Math.floor((this.searchEnd() - this.spent) / pace - running / 2);
    return Math.max(1, asked, asked + more);
  }

  mayAsk(): boolean | undefined {
    if (!this.choosesTrials) return undefined;
    const { asked, pace } = this.progress();
    const { parallel } = this.start.fixed;
    // A search without a result has nothing to finish.
    return asked < parallel || this.spent + (1 - overrun) * parallel * pace <= this.searchEnd();
  }

  /** The number of trials, the number of running ones, and the seconds between the ends of two trials. */
  private progress() {
    const { plan, fixed } = this.start;
    const counts = this.store.trials.progress();
    const running = counts.running + counts.waiting;
    const ended = counts.complete + counts.pruned + counts.failed;
    const planned = plan.seconds.search / plan.trials;
    const since = this.spent - this.start.spent - (this.time.searchFrom ?? this.time.ms) / 1000;
    const pace = (since + prior * planned) / (ended + Math.min(running, fixed.parallel) / 2 + prior);
    return { asked: ended + running, running, pace };
  }

  /** When the search has to end, in seconds of work, to leave time for its frontier. */
  private searchEnd(): number {
    const { plan, fixed } = this.start;
    const { seconds, members, trials } = plan;
    const ended = this.store.trials.progress().complete;
    const found = () => trialsOf(frontierCandidates(this.store.trials.all(), this.plan.experiment.objectives)).length;
    const share = ended < firstTrials ? 1 : Math.min(1, Math.max(leastReserve, found() / members));
    // On a slower machine, written final trainings take longer; others are shorter, so that not trials alone are fewer.
    const slower = fixed.final === undefined ? 1 : (this.progress().pace * trials) / seconds.search;
    const reserve = share * slower * (seconds.final + seconds.end);
    return usable * this.seconds - Math.min(reserve, mostReserve * this.seconds);
  }

  /** The paces of trials, from their trainings in the search. */
  private pacesOf(trials: readonly TrialRecord[]): Pace[] {
    const { store, plan, start } = this;
    const { train } = plan.experiment;
    const each = stepsOf(plan, train) / train.epochs;
    return trials.map(({ number }) => {
      const curve = store.curves.of({ stage: 'search', trial: number });
      const seconds = sum(curve.map((epoch) => epoch.seconds));
      return {
        start: start.parts.start,
        step: curve.length === 0 ? start.parts.step : seconds / (curve.length * each),
      };
    });
  }

  /**
   * Additional seconds a step for rendering the images of a final training, compared with a trial. Rendering and training share the
   * processors.
   */
  private rendering({ augment, batch }: TrainConfig): number {
    const { experiment, data } = this.plan;
    const { train } = experiment;
    if (isPlaced(experiment.data) || canonicalJson(augment) === canonicalJson(train.augment)) return 0;
    return batch * Math.max(0, renderingSeconds(data, augment) - renderingSeconds(data, train.augment));
  }

  endSearch(observe: RunObserver): void {
    if (!this.choosesTrials) return;
    const { trials: planned } = this.start.plan;
    const trials = this.store.overview.count();
    const minutes = (this.spent / 60).toFixed(1);
    const message = `The search ends after ${trials} trials (planned ${planned}) and ${minutes} minutes of work, to leave time for the rest`;
    this.decide(
      { search: { ...this.plan.experiment.search, trials } },
      { message, budget: { kind: 'trials' } },
      observe,
    );
    this.choosesTrials = false;
  }

  decideFinal(
    rounds: readonly (readonly TrialRecord[])[],
    observe: RunObserver,
  ): Pick<TrainingExperiment, 'final'> | undefined {
    const { plan, store, start } = this;
    const { train, final } = plan.experiment;
    const { fixed, parts } = start;
    if (fixed.final !== undefined || final === null || hasDecided(store, 'final')) return undefined;
    const answering = (rounds.length - 1) * answerSeconds(plan, train, parts.step);
    const left = usable * this.seconds - this.spent - rounds.flat().length * parts.saving - parts.ending - answering;
    const paces = rounds.map((trials, round) => {
      const augment = round === 0 ? final.augment : taughtAugment(plan.experiment, final);
      const more = this.rendering({ ...final, augment });
      return this.pacesOf(trials).map(({ start: first, step }) => ({ start: first, step: step + more }));
    });
    const length = finalSteps(left, paces, { ...fixed, steps: stepsOf(plan, train) });
    const decided = length === 0 ? null : withSteps(plan, final, length, start.share);
    const message =
      decided === null
        ? `No time is left for final trainings: the frontier's networks stay as they were searched`
        : `Final trainings have ${stepsOf(plan, decided).toLocaleString('en-US')} steps (planned ${start.plan.final.toLocaleString('en-US')})`;
    this.decide({ final: decided }, { message, budget: { kind: 'final' } }, observe);
    return { final: decided };
  }

  private decide(changes: Partial<TrainingExperiment>, detail: BudgetDetail, observe: RunObserver): void {
    const { store } = this;
    store.run.extend({ ...experimentOf(store), ...changes }, detail);
    observe({ kind: 'note', message: detail.message });
  }
}
