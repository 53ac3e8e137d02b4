import type { MeasureText, RunAnswer } from '../../../experiments/page/api.js';
import { planeOf, type Plane } from '../../charts/frontier-points.js';
import type { Candidates } from '../../data/candidates.js';

/** What final trainings came to can be an axis, too; in addresses and lists it is called so. */
const finals = {
  final_accuracy: { title: 'final accuracy', unit: 'share' },
  test_accuracy: { title: 'test accuracy', unit: 'share' },
} as const satisfies Readonly<Record<string, MeasureText>>;

/** In addresses: the trial's number. */
const trial = 'trial';

type Query = Readonly<Partial<Record<string, string>>>;

/** How the axes of a run's picture are called and written. */
export const axisMeasures = ({ measures }: RunAnswer): Readonly<Record<string, MeasureText>> => ({
  ...finals,
  ...measures,
});

/** The numbers of a measure, by row. */
export function columnOf(candidates: Candidates, name: string): readonly (number | null)[] | undefined {
  if (name === 'final_accuracy') return candidates.finalAccuracy;
  if (name === 'test_accuracy') return candidates.testAccuracy;
  return candidates.values.get(name);
}

/** All that can be an axis: objectives first, then what else is known, then what final trainings came to. */
export function axisNames({ objectives }: RunAnswer, candidates: Candidates): readonly string[] {
  const names = [...objectives.map(({ name }) => name), ...candidates.values.keys()];
  const known = Object.keys(finals).filter((name) => columnOf(candidates, name)?.some((value) => value !== null));
  return [...new Set([...names, ...known])];
}

/** The picture that an address asks for; what it does not say, or says wrongly, is as in reports. */
export function planeIn(query: Query, info: RunAnswer, names: readonly string[]): Plane {
  const usual = planeOf(info.objectives);
  const { x, y } = query;
  const isKnown = (name: string | undefined): name is string => name !== undefined && names.includes(name);
  return { x: x === trial ? null : isKnown(x) ? x : usual.x, y: isKnown(y) ? y : usual.y };
}

/** The same for an address: null is left out. */
export const axisInAddress = (name: string | null): string => name ?? trial;

/** `1` and `0` of an address; undefined where it says nothing. */
export const flagIn = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : text === '1';
