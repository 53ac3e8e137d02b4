import { feasible, toPoint } from '../frontier.js';
import { hypervolume } from '../hypervolume.js';
import type { Objective, Values } from '../objective.js';
import { nonDominated, type Point } from '../pareto.js';
import { limitOf } from '../surrogate/acquisition.js';
import { boxesOf } from '../surrogate/boxes.js';
import { improvementOf, type Belief } from '../surrogate/improvement.js';
import { gaussian } from '../surrogate/warp.js';
import type { Expected } from './regression.js';

/** A trial that may be trained on: what its values would be at the end; `expected` of those that training changes. */
export interface Contender {
  readonly values: Values;
  readonly expected: Readonly<Record<string, Expected>>;
}

const turned = ({ direction }: Objective, value: number): number => (direction === 'minimize' ? value : -value);

/** Values with what is expected in place of what training changes. */
const meansOf = ({ values, expected }: Contender): Values => ({
  ...values,
  ...Object.fromEntries(Object.entries(expected).map(([name, { mean }]) => [name, mean])),
});

/** The trials of a search, by how far they are. */
export interface Field {
  /** Values of those that were trained to their end. */
  readonly whole: readonly Values[];
  /** On their way there, and taken to come to what is expected of them. */
  readonly going: readonly Contender[];
  readonly candidates: readonly Contender[];
}

/**
 * What each candidate is expected to add to the hypervolume of the frontier (Emmerich et al. 2006), as a share of what all
 * together are expected to come to; 0 when its values are not numbers.
 */
export function worthOf(objectives: readonly Objective[], { whole, going, candidates }: Field): number[] {
  const complete = (values: Values) => ({ state: 'complete', values });
  const points = feasible([...whole, ...going.map(meansOf)].map(complete), objectives).map(({ point }) => point);
  const all: Point[] = [...points];
  for (const candidate of candidates) {
    const point = toPoint(objectives, meansOf(candidate));
    if (point !== undefined) all.push(point);
  }
  const reference = objectives.map((objective, k): number => {
    const column = all.map((point) => point[k]);
    const [low, high] = [Math.min(...column), Math.max(...column)];
    return Math.min(high + 0.1 * (high - low || Math.abs(high) || 1), limitOf(objective));
  });
  const front: Point[] = nonDominated(points).map((i) => points[i]);
  const beliefs = objectives.map((objective): Belief => {
    const { name } = objective;
    if (objective.cost !== 'expensive')
      return { kind: 'known', values: Float64Array.from(candidates, ({ values }) => turned(objective, values[name])) };
    const expected = candidates.map((candidate) => candidate.expected[name]);
    return {
      kind: 'modelled',
      warp: gaussian,
      mean: Float64Array.from(expected, ({ mean }) => turned(objective, mean)),
      variance: Float64Array.from(expected, ({ deviation }) => deviation ** 2),
    };
  });
  const improvement = improvementOf(boxesOf(front, reference), beliefs);
  const volume = hypervolume(all, reference) || Infinity;
  return candidates.map((_, i) => improvement(i) / volume || 0);
}
