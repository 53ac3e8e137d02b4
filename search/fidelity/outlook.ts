import type { Objective, Values } from '../objective.js';
import { regress, type Expected } from './regression.js';

/** What a trial came to after each rung that it reached, by ascending rung. */
export type Stages = readonly Stage[];

export interface Stage {
  /** How long it was trained, in epochs or as a share of the whole; the last rung is the whole training. */
  readonly at: number;
  readonly values: Values;
}

/**
 * What values at the end of training are to be expected, given those of trials at the rungs: from one rung to the next,
 * the gain is a linear function of the value reached and of the logarithms of the cheap objectives (large networks gain
 * longer), learnt from the trials that have both rungs. As all trials share one schedule, the shape of the learning
 * curve need not be guessed, as it must be where each curve is extrapolated by itself (Domhan et al. 2015).
 */
export class Outlook {
  private readonly cheap: readonly string[];

  constructor(
    objectives: readonly Objective[],
    /** The objective in question, which training changes. */
    private readonly name: string,
    private readonly rungs: readonly number[],
    private readonly trials: readonly Stages[],
  ) {
    this.cheap = objectives.filter(({ cost }) => cost === 'cheap').map((objective) => objective.name);
  }

  /** The value at the last rung of a trial that came to `values` at rung `at`. */
  expect(at: number, values: Values): Expected {
    let reached: Expected = { mean: values[this.name], deviation: 0 };
    for (let level = this.rungs.indexOf(at); level < this.rungs.length - 1; level++)
      reached = this.step(level)(reached, values);
    return reached;
  }

  private readonly steps = new Map<number, Step>();

  private step(level: number): Step {
    const known = this.steps.get(level) ?? this.learn(this.rungs[level], this.rungs[level + 1]);
    this.steps.set(level, known);
    return known;
  }

  private learn(here: number, next: number): Step {
    const { name, cheap, trials } = this;
    const stage = (stages: Stages, at: number) =>
      stages.find((one) => one.at === at && Number.isFinite(one.values[name]));
    const reached = trials.flatMap((stages) => stage(stages, here) ?? []);
    // Nobody knows what that rung is like: it changes nothing.
    if (reached.length === 0) return (value) => value;
    const early = standard(reached.map(({ values }) => values[name]));
    const sizes = cheap.map((size) => standard(reached.map(({ values }) => logarithm(values[size]))));
    const features = (value: number, values: Values): number[] => [
      1,
      early.apply(value),
      ...cheap.map((size, k) => sizes[k].apply(logarithm(values[size]))),
    ];
    const samples = trials.flatMap((stages) => {
      const [first, second] = [stage(stages, here), stage(stages, next)];
      if (first === undefined || second === undefined) return [];
      const value = first.values[name];
      return [{ features: features(value, first.values), target: second.values[name] - value }];
    });
    const { scale } = early;
    const gain = samples.reduce((sum, { target }) => sum + target, 0) / Math.max(1, samples.length);
    const predict = regress(samples, {
      // Differences between early values may stay or vanish.
      coefficients: [
        { mean: gain, deviation: scale },
        { mean: -scale / 2, deviation: scale / 2 },
        ...cheap.map(() => ({ mean: 0, deviation: scale / 2 })),
      ],
      noise: scale / 2,
    });
    const at = (value: number, values: Values): Expected => {
      const { mean, deviation } = predict(features(value, values));
      return { mean: value + mean, deviation };
    };
    return ({ mean, deviation }, values) => {
      const expected = at(mean, values);
      // An uncertain value passes on as much of its uncertainty as the regression follows it.
      const slope = deviation === 0 ? 0 : (at(mean + deviation, values).mean - expected.mean) / deviation;
      return { mean: expected.mean, deviation: Math.hypot(expected.deviation, slope * deviation) };
    };
  }
}

type Step = (reached: Expected, values: Values) => Expected;

/** Not Number.MIN_VALUE: where ONNX Runtime has run, numbers as small as that are flushed to zero. */
const smallest = 1e-300;

const logarithm = (value: number): number => Math.log(Math.max(value, smallest));

/** Values that differ by less, relative to their size, are the same. */
const tiny = 1e-12;

/** Turns values so that those given have mean 0 and variance 1. */
function standard(values: readonly number[]): { readonly scale: number; readonly apply: (value: number) => number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
  const deviation = Math.sqrt(variance);
  const scale = deviation > tiny * (1 + Math.abs(mean)) ? deviation : 1e-3;
  return { scale, apply: (value) => (value - mean) / scale };
}
