import { invalidInput } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import { isWritten } from '../../experiments/parse/override.js';
import {
  defaultFinalTeacher,
  searchInitialisation,
  type TrainingExperiment,
} from '../../experiments/schema/experiment.js';
import { fixedIn, withDefaultAugment } from '../default-augment.js';
import { epochImages, stepsPerEpoch, type TrainConfig } from '../../trainers/index.js';
import type { RunObserver } from '../events.js';
import type { TrainingPlan } from '../plan.js';
import type { JobRunner } from '../jobs/job-runner.js';
import { forward, inPool, measure, type Measured, type Sample } from './measure.js';
import {
  leastPlan,
  lengthOf,
  planWithin,
  total,
  usual,
  type BudgetPlan,
  type Fixed,
  type PartSeconds,
} from './plan.js';

/** A run may end so much before its budget: the last part cannot be planned again. */
export const usable = 0.95;

/** What a run with a budget begins with; stored. */
export interface BudgetStart {
  /** Seconds before the run was stored. */
  readonly spent: number;
  readonly plan: BudgetPlan;
  readonly fixed: Fixed;
  /** The written share of a final training's epoch. */
  readonly share?: number | undefined;
  /** Seconds of the parts that are not measured again. */
  readonly parts: Pick<PartSeconds, 'latency' | 'saving' | 'ending'> & {
    readonly start: number;
    readonly step: number;
  };
}

/** An experiment whose absent keys a budget has chosen, and the plan. */
export interface SettledBudget {
  readonly experiment: TrainingExperiment;
  readonly start: BudgetStart;
  /** The plan in words. */
  readonly lines: readonly string[];
}

interface Settling {
  readonly minutes: number;
  /** The experiment as it is written. */
  readonly written: unknown;
  /** Seconds since the run began. */
  readonly elapsed: () => number;
  readonly observe: RunObserver;
  readonly signal: AbortSignal;
  /** Default: as many networks as its workers train at once, twice, for up to 3 s each. */
  readonly sample?: Sample | undefined;
  /** Default: processes of this machine. */
  readonly workers?: ((size: number) => JobRunner) | undefined;
}

/** A teacher without a length of its own has this share of the time. */
const teacherShare = 0.2;
/** Least seconds of reading, writing and checking a network's file; of the report. */
const [fileSeconds, reportSeconds] = [2, 4];
/** Quantizing a network takes so many times the evaluation of its file: calibration, and several methods. */
const quantizing = 3;
/** Share of the time that measurements before the first trial may take, and the fewest networks that fit a predictor. */
const calibrationShare = 0.06;
const leastCalibration = 4;

/** Steps of an epoch over all images of a training. */
const passOf = ({ data }: Pick<TrainingPlan, 'data'>, { batch, loss }: TrainConfig): number =>
  stepsPerEpoch(epochImages(data, loss?.type !== 'cross-entropy'), { batch, dropLast: true, share: 1 });

/** Steps of a whole training. */
export const stepsOf = (plan: Pick<TrainingPlan, 'data'>, train: TrainConfig): number =>
  train.epochs * Math.max(1, Math.round(train.epoch_share * passOf(plan, train)));

/** A training with another length. */
export const withSteps = <T extends TrainConfig>(
  plan: Pick<TrainingPlan, 'data'>,
  train: T,
  steps: number,
  share?: number,
): T => ({ ...train, ...lengthOf(steps, passOf(plan, train), share) });

/**
 * Chooses the keys that are not written, so that the run ends within its budget: trials, steps, final trainings, the minutes of a
 * teacher, networks that fit the predictor. Networks of the space are trained for seconds first.
 * @throws NasError `invalid-input` where the budget is too short for a search that is worth it
 */
export async function settleBudget(plan: TrainingPlan, settling: Settling): Promise<SettledBudget> {
  const { minutes, elapsed, observe, signal, workers } = settling;
  observe({ kind: 'phase', name: 'budget', message: `Training some networks for seconds, to plan ${minutes} minutes` });
  const usualSample = {
    networks: Math.max(2, Math.min(6, 2 * plan.experiment.search.parallel)),
    seconds: Math.min(3, Math.max(1, 0.3 * minutes)),
  };
  const { sample = usualSample } = settling;
  const measured = await inPool(plan, signal, (own, jobs) => measure(own, jobs, sample), workers);
  return settledBy(plan, measured, { ...settling, spent: elapsed() });
}

/** The choice by what was measured. @throws NasError as `settleBudget` */
export function settledBy(
  plan: TrainingPlan,
  measured: Measured,
  { minutes, written, spent }: Pick<Settling, 'minutes' | 'written'> & { readonly spent: number },
): SettledBudget {
  const has = (...path: string[]): boolean => isWritten(written, ...path);
  const { experiment, data } = plan;
  const { train, final, search, compress, latency } = experiment;
  const isLong = {
    train: has('train', 'epochs') || has('train', 'steps'),
    final: has('final', 'epochs') || has('final', 'steps'),
  };
  const fixed: Fixed = {
    parallel: search.parallel,
    folds: plan.folds ?? 0,
    trials: has('search', 'trials') || has('search', 'stop', 'trials') ? search.trials : undefined,
    steps: isLong.train ? stepsOf(plan, train) : undefined,
    final: finalOf(),
  };
  function finalOf(): Fixed['final'] {
    if (final === null) return has('final') ? null : undefined;
    return isLong.final ? stepsOf(plan, final) : undefined;
  }
  const shareOf = (key: string, config: TrainConfig): number | undefined =>
    has(key, 'epoch_share') || has('train', 'epoch_share') ? config.epoch_share : undefined;
  const teacher = teacherWithin(experiment.teacher, written, minutes);
  const measurement = measured.latency * (compress.int8 === 'auto' ? 2 : 1);
  const evaluation = ((data.counts.validation + data.counts.test) / train.batch) * measured.step * forward;
  const quantization = compress.int8 === 'off' ? 0 : quantizing * evaluation;
  const usualCalibration = latency.predictor === 'auto' && measured.latency > 0 ? latency.calibration : 0;
  const affordable = Math.floor((calibrationShare * 60 * minutes) / Math.max(measurement, 1e-3));
  const calibration = has('latency', 'calibration')
    ? usualCalibration
    : Math.min(usualCalibration, Math.max(leastCalibration, affordable));
  const parts: PartSeconds = {
    training: (steps) =>
      measured.training(
        isLong.train && steps === fixed.steps ? train : withSteps(plan, train, steps, shareOf('train', train)),
      ),
    counting: measured.counting + quantization,
    latency: measurement,
    preparation: calibration * measurement + (teacher.type === 'train' ? 60 * (teacher.minutes ?? 0) : 0),
    saving: fileSeconds + evaluation + quantization,
    ending: reportSeconds,
  };
  const left = usable * 60 * minutes - spent;
  const least = leastPlan(parts, fixed);
  // Other programs may end; where they do not, the run has fewer trials and no final trainings.
  const isDelayed = total(least) > left && total(least) * measured.free <= left;
  const chosen = isDelayed ? least : planWithin(left, parts, fixed);
  if (chosen === null) throw tooShort(minutes, least, { spent, fixed });
  const isLossWritten = has('train', 'loss') || has('final', 'loss');
  const usualFinal = final ?? {
    ...train,
    from: searchInitialisation(experiment),
    teacher: defaultFinalTeacher(experiment, isLossWritten),
  };
  const share = shareOf('final', usualFinal);
  const settled: TrainingExperiment = {
    ...experiment,
    teacher,
    latency: calibration === 0 ? latency : { ...latency, calibration },
    train: isLong.train ? train : withSteps(plan, train, chosen.steps, shareOf('train', train)),
    final: fixed.final === undefined ? withSteps(plan, usualFinal, chosen.final, share) : final,
    search: { ...search, trials: chosen.trials },
  };
  const { start, step } = measured;
  const { saving, ending } = parts;
  return {
    experiment: withDefaultAugment(settled, fixedIn(written)),
    start: { spent, plan: chosen, fixed, share, parts: { latency: measurement, saving, ending, start, step } },
    lines: [
      ...planLines(minutes, chosen, fixed),
      ...(chosen.final > 0 && settled.final?.teacher === 'frontier' ? [taughtLine] : []),
      ...(isDelayed ? [delayedLine(measured, total(least))] : []),
    ],
  };
}

/** A teacher that is to be trained, within its share of the time where its length is not written. */
function teacherWithin(
  teacher: TrainingExperiment['teacher'],
  written: unknown,
  minutes: number,
): TrainingExperiment['teacher'] {
  const isLong = ['epochs', 'minutes'].some((key) => isWritten(written, 'teacher', key));
  if (teacher.type !== 'train' || isLong) return teacher;
  const { epochs: _, ...others } = teacher;
  return { ...others, minutes: teacherShare * minutes };
}

const number = (value: number): string => value.toLocaleString('en-US');
const minutesText = (seconds: number): string => `${(seconds / 60).toFixed(seconds < 60 ? 1 : 0)} min`;

const partsText = ({ trials, steps, final, members }: BudgetPlan): string =>
  `${trials} trials of ${number(steps)} steps${final === 0 ? '' : `, and final trainings of ${number(final)} for some ${members} networks`}`;

function planLines(minutes: number, plan: BudgetPlan, { trials, steps, final }: Fixed): string[] {
  const { preparation, search, final: last, end } = plan.seconds;
  const shares = [
    ...(preparation < 1 ? [] : [`${minutesText(preparation)} before the first trial`]),
    `${minutesText(search)} for the search`,
    ...(plan.final === 0 ? [] : [`${minutesText(last)} for final trainings`]),
    `${minutesText(end)} for the files`,
  ];
  const isChosen = trials === undefined || steps === undefined || final === undefined;
  return [
    `The plan of ${counted(minutes, 'minute')}: about ${partsText(plan)}:`,
    `${shares.join(', ')}.`,
    ...(isChosen
      ? [
          `Without a budget, ${usual.trials} trials have ${number(usual.steps)} steps, and final trainings ${number(usual.final)}.`,
        ]
      : []),
  ];
}

const taughtLine = 'The most accurate networks have their final training first; the best of them teaches the others.';

const delayedLine = ({ free }: Measured, seconds: number): string =>
  `Other programs keep ${Math.round(100 * (1 - free))} % of the processors busy. If they go on, this takes ${minutesText(seconds)}: there will be fewer trials, and shorter final trainings or none.`;

/** Keys whose written values a plan keeps. */
const writtenKeys = ({ trials, steps, final, folds }: Fixed): string[] => [
  ...(trials === undefined ? [] : ['search.trials']),
  ...(steps === undefined ? [] : ['the length of train']),
  ...(typeof final === 'number' ? ['the length of final'] : []),
  ...(folds === 0 ? [] : ['final.folds']),
];

function tooShort(
  minutes: number,
  least: BudgetPlan,
  { spent, fixed }: { readonly spent: number; readonly fixed: Fixed },
) {
  const needed = (total(least) + spent) / usable / 60;
  const text = needed < 10 ? (Math.ceil(10 * needed) / 10).toFixed(1) : String(Math.ceil(needed));
  const keys = writtenKeys(fixed);
  return invalidInput(
    `budget.minutes: ${minutes} is too short: ${partsText(least)} take about ${text} minutes on this machine${keys.length === 0 ? '; fewer find little' : ''}`,
    {
      hint:
        keys.length === 0
          ? `Give at least ${text} minutes, or smaller images (data.size).`
          : `Give at least ${text} minutes, or leave ${keys.join(', ')} to the budget.`,
    },
  );
}
