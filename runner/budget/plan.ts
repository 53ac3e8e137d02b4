/** Seconds that the parts of a run take on this machine. */
export interface PartSeconds {
  /** A training of so many steps, while all workers train. */
  readonly training: (steps: number) => number;
  /** Before the training of a trial, in its worker: counting instructions. */
  readonly counting: number;
  /** A measurement of latency; nothing trains meanwhile. */
  readonly latency: number;
  /** Before the first trial. */
  readonly preparation: number;
  /** Writing one network of the frontier and checking its file. */
  readonly saving: number;
  /** After all files. */
  readonly ending: number;
}

/** What a plan cannot choose. */
export interface Fixed {
  readonly parallel: number;
  /** Trainings of the cross-validation for each network of the frontier. */
  readonly folds: number;
  /** Written trials, and steps of a training; absent: they follow from the time. */
  readonly trials?: number | undefined;
  readonly steps?: number | undefined;
  /** Written steps of a final training; null: there is none. */
  readonly final?: number | null | undefined;
}

/** How a run spends its time. */
export interface BudgetPlan {
  readonly trials: number;
  /** Steps of a trial's training. */
  readonly steps: number;
  /** Steps of a final training; 0: there is none. */
  readonly final: number;
  /** Networks that the frontier is assumed to have. */
  readonly members: number;
  readonly seconds: {
    readonly preparation: number;
    readonly search: number;
    readonly final: number;
    /** Measuring the frontier again and writing its files. */
    readonly end: number;
  };
}

/** Assumed number of networks on the frontier. */
export const frontierOf = (trials: number): number => Math.min(trials, Math.round(1.6 * Math.sqrt(trials)));

/** The usual search. Trials and steps grow with the square root of the time: twice the time has 1.4 times as many of each. */
export const usual = { trials: 50, steps: 600, final: 2400 } as const;

/** Shares of the usual numbers. With fewer, a controller has nothing to learn from, and trainings of so few steps rank badly. */
const scales = { least: 0.15, most: 64 } as const;

/** A final training has at least so many times the steps of a trial's: a shorter one hardly comes to more. */
export const leastGain = 1.25;

/** The plan with a share of the usual trials and steps, where they are not written. */
function planAt(scale: number, parts: PartSeconds, { parallel, folds, ...written }: Fixed): BudgetPlan {
  const trials = written.trials ?? Math.round(scale * usual.trials);
  const steps = written.steps ?? Math.round(scale * usual.steps);
  const long = Math.max(scale * usual.final, leastGain * steps);
  const final = written.final === undefined ? Math.round(long) : (written.final ?? 0);
  const members = frontierOf(trials);
  const rounds = (trainings: number): number => Math.ceil(trainings / parallel);
  const trial = (parts.training(steps) + parts.counting) / Math.min(parallel, trials) + parts.latency;
  return {
    trials,
    steps,
    final,
    members,
    seconds: {
      preparation: parts.preparation,
      search: trials * trial,
      final: final === 0 ? 0 : (rounds(members) + rounds(members * folds)) * parts.training(final),
      end: members * (parts.latency + parts.saving) + parts.ending,
    },
  };
}

export const total = ({ seconds }: BudgetPlan): number =>
  seconds.preparation + seconds.search + seconds.final + seconds.end;

/** The shortest plan that is worth its time. */
export const leastPlan = (parts: PartSeconds, fixed: Fixed): BudgetPlan => planAt(scales.least, parts, fixed);

/** The largest plan that ends within some seconds; null where not even the least one does. */
export function planWithin(seconds: number, parts: PartSeconds, fixed: Fixed): BudgetPlan | null {
  let [low, high]: number[] = [scales.least, scales.most];
  if (total(planAt(low, parts, fixed)) > seconds) return null;
  for (let halving = 0; halving < 40; halving++) {
    const middle = (low + high) / 2;
    if (total(planAt(middle, parts, fixed)) <= seconds) low = middle;
    else high = middle;
  }
  return planAt(low, parts, fixed);
}

/** Seconds until some workers have done trainings in their order: each takes the next one when it is free. */
export function makespan(trainings: readonly number[], workers: number): number {
  const busy = Array.from({ length: workers }, () => 0);
  for (const seconds of trainings) busy[busy.indexOf(Math.min(...busy))] += seconds;
  return Math.max(...busy);
}

/** A network's training: seconds before its first step, and of each step. */
export interface Pace {
  readonly start: number;
  readonly step: number;
}

/**
 * The steps that final trainings have time for, equally many for each network.
 * @param rounds the paces of the networks, in the order of their trainings; a round begins when the one before has ended
 * @param steps of a trial's training
 * @returns 0 where time is too short to gain anything
 */
export function finalSteps(
  seconds: number,
  rounds: readonly (readonly Pace[])[],
  { steps, parallel, folds }: { readonly steps: number; readonly parallel: number; readonly folds: number },
): number {
  const needed = (length: number): number => {
    const trainings = rounds.map((paces) => paces.map(({ start, step }) => start + length * step));
    const repeated = Array.from({ length: folds }, () => trainings.flat()).flat();
    const once = trainings.reduce((sum, round) => sum + makespan(round, parallel), 0);
    return once + (folds === 0 ? 0 : makespan(repeated, parallel));
  };
  const least = Math.ceil(leastGain * steps);
  if (rounds.flat().length === 0 || needed(least) > seconds) return 0;
  let [low, high] = [least, scales.most * usual.final];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (needed(middle) <= seconds) low = middle;
    else high = middle;
  }
  return low;
}

/** The keys of a training's length. */
export interface Length {
  readonly epochs: number;
  readonly steps: number;
  readonly epoch_share: number;
}

/** Fewest epochs of a training whose length is chosen: each ends with a point of its curve. */
const fewestEpochs = 4;

/**
 * The training of nearly so many steps.
 * @param pass steps of an epoch over all images
 * @param share the written share of an epoch; undefined: any
 */
export function lengthOf(steps: number, pass: number, share?: number): Length {
  const wanted = steps / fewestEpochs / pass;
  const epoch_share = share ?? Math.min(1, Math.max(1 / pass, wanted));
  const each = Math.min(pass, Math.max(1, Math.round(epoch_share * pass)));
  const epochs = Math.max(1, Math.round(steps / each));
  return { epochs, steps: epochs * each, epoch_share };
}
