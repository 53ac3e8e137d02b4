import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import type { Encoder } from './encoding.js';
import { fitHyperparameters } from './hyperparameters.js';
import { Kernel } from './kernel.js';
import { Warp } from './warp.js';

/** An expensive objective's value, turned so that smaller is better; undefined when the trial has none. */
export function observed({ name, direction }: Objective, { values }: Told): number | undefined {
  const value = values[name];
  if (!(name in values) || !Number.isFinite(value)) return undefined;
  return direction === 'minimize' ? value : -value;
}

/** The variance of an objective's value, on its scale, that comes from its being foreseen only. */
export function doubtOf(objective: Objective, told: Told, warp: Warp): number {
  const deviation = told.deviations?.[objective.name] ?? 0;
  return deviation === 0 ? 0 : (deviation * warp.slope(observed(objective, told) ?? 0)) ** 2;
}

/** An objective's scale, and the kernel that explains it best. */
export interface Fit {
  readonly warp: Warp;
  readonly kernel: Kernel;
}

/** Hyper-parameters are fitted to so many observations at most: the best and, of the others, evenly many of all ages. */
const enough = 80;

/** `count` of the trials: the better half by value, the rest evenly over the others; in the order given. */
export function selected(trials: readonly Told[], objective: Objective, count: number): readonly Told[] {
  if (trials.length <= count) return trials;
  const value = (told: Told): number => observed(objective, told) ?? Infinity;
  const order = [...trials.keys()].sort((a, b) => value(trials[a]) - value(trials[b]) || a - b);
  const best = Math.ceil(count / 2);
  const rest = order.slice(best).sort((a, b) => a - b);
  const chosen = new Set(order.slice(0, best));
  for (let i = 0; i < count - best; i++) chosen.add(rest[Math.floor(((i + 0.5) * rest.length) / (count - best))]);
  return trials.filter((_, i) => chosen.has(i));
}

/** Fits a model of an objective to trials that have a value of it. */
export function fitTo(trials: readonly Told[], objective: Objective, encoder: Encoder): Fit {
  const values = (some: readonly Told[]): number[] => some.map((told) => observed(objective, told) ?? 0);
  const warp = Warp.of(values(trials));
  const used = selected(trials, objective, enough);
  const theta = fitHyperparameters(encoder, encoder.encode(used.map(({ genotype }) => genotype)), {
    targets: Float64Array.from(values(used), (value) => warp.apply(value)),
    doubts: Float64Array.from(used, (told) => doubtOf(objective, told, warp)),
  });
  return { warp, kernel: new Kernel(encoder, theta) };
}
