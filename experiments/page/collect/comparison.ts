import { ParetoArchive, judgedPoint } from '../../../search/frontier.js';
import { hypervolume, hypervolumeImprovement } from '../../../search/hypervolume.js';
import type { Objective, Values } from '../../../search/index.js';
import type { Point } from '../../../search/pareto.js';
import type { Store } from '../../../store/index.js';
import type { ComparisonAnswer, HypervolumeAnswer, HypervolumePoint, RunId } from '../api.js';
import { objectivesOf } from '../../stored/experiment.js';
import { invalidInput } from '../../../base/errors.js';
import { measuresOf } from './run-answer.js';
import type { RunMemory } from './run-memory.js';

/** A trial that ended, with the points of its candidates that may stand on a frontier. */
interface Ended {
  readonly seconds: number;
  readonly points: readonly Point[];
}

/** The trials of a run in the order in which they ended. */
function endedOf(store: Store, objectives: readonly Objective[]): Ended[] {
  const points = new Map<number, Point[]>();
  for (const part of store.overview.completeParts())
    for (const candidate of part) {
      const point = judgedPoint(candidate, objectives);
      if (point === undefined) continue;
      const others = points.get(candidate.number);
      if (others === undefined) points.set(candidate.number, [point]);
      else others.push(point);
    }
  return store.overview.ends().map(({ number, seconds }) => ({ seconds, points: points.get(number) ?? [] }));
}

/** The best and the worst value of each objective, turned so that smaller is better. */
interface Bounds {
  readonly best: Point;
  readonly worst: Point;
}

function boundsOf(objectives: readonly Objective[], runs: readonly (readonly Ended[])[]): Bounds {
  const best = objectives.map(() => Infinity);
  const worst = objectives.map(() => -Infinity);
  for (const run of runs)
    for (const { points } of run)
      for (const point of points)
        for (const [i, value] of point.entries()) {
          best[i] = Math.min(best[i], value);
          worst[i] = Math.max(worst[i], value);
        }
  return { best, worst };
}

const valuesAt = (objectives: readonly Objective[], point: Point): Values =>
  Object.fromEntries(
    objectives.flatMap(({ name, direction }, i) =>
      Number.isFinite(point[i]) ? [[name, direction === 'minimize' ? point[i] : -point[i]]] : [],
    ),
  );

/** How the share grew: where it changed, and the end. An objective in which all are equal counts nothing. */
function growth(ended: readonly Ended[], { best, worst }: Bounds): HypervolumePoint[] {
  const scaledTo = (point: Point): Point => point.map((value, i) => (value - best[i]) / (worst[i] - best[i] || 1));
  const reference = best.map(() => 1);
  const archive = new ParetoArchive<number>();
  let front = archive.points;
  const points: HypervolumePoint[] = [];
  let [trials, seconds, share] = [0, 0, 0];
  for (const { seconds: own, points: candidates } of ended) {
    trials++;
    seconds += own;
    const before = share;
    for (const point of candidates.map(scaledTo)) {
      if (!archive.insert(trials, point)) continue;
      share = Math.min(1, share + hypervolumeImprovement(point, front, reference));
      front = archive.points;
    }
    if (share !== before) points.push({ trials, seconds, share });
  }
  // Sums of differences drift a little: the end is exact.
  const last = points.at(-1);
  if (last !== undefined) points[points.length - 1] = { ...last, share: hypervolume(archive.points, reference) };
  if (last === undefined || last.trials < trials) points.push({ trials, seconds, share: points.at(-1)?.share ?? 0 });
  return points;
}

/**
 * The share of the space between the worst and the best values of each run that its frontier dominates, as it grew; all
 * within the same bounds. Only what keeps the constraints counts, with its values as they stand.
 * About 0.6 s for 50,000 trials.
 */
function collectGrowths(
  runs: readonly { readonly store: Store; readonly objectives: readonly Objective[] }[],
): Pick<HypervolumeAnswer, 'worst' | 'best'> & { readonly growths: readonly HypervolumePoint[][] } {
  const ended = runs.map(({ store, objectives }) => store.reading(() => endedOf(store, objectives)));
  const objectives = runs.at(0)?.objectives ?? [];
  const bounds = boundsOf(objectives, ended);
  return {
    worst: valuesAt(objectives, bounds.worst),
    best: valuesAt(objectives, bounds.best),
    growths: ended.map((run) => growth(run, bounds)),
  };
}

/** The same of one run. */
export function collectHypervolume(store: Store): HypervolumeAnswer {
  const { worst, best, growths } = collectGrowths([{ store, objectives: objectivesOf(store) }]);
  return { worst, best, points: growths[0] };
}

interface Compared {
  readonly id: RunId;
  readonly store: Store;
  readonly memory: RunMemory;
}

const wanted = ({ name, direction }: Objective): string => `${direction} ${name}`;

/** The objectives of a run in the order of another's. @throws NasError `invalid-input` when they are others. */
function inOrder(first: Compared, other: Compared): readonly Objective[] {
  const objectives = first.memory.facts.objectives;
  const own = other.memory.facts.objectives;
  const found = objectives.flatMap((objective) => own.find((one) => wanted(one) === wanted(objective)) ?? []);
  if (found.length === objectives.length && found.length === own.length) return found;
  const text = (all: readonly Objective[]): string => all.map(wanted).join(', ');
  throw invalidInput(
    `the runs do not share their objectives: ${first.id} is to ${text(objectives)}; ${other.id} is to ${text(own)}`,
    { hint: 'Compare runs that were begun with the same objectives.' },
  );
}

/**
 * Runs that share their objectives beside each other, in the first one's terms.
 * @param now in ms since 1970.
 * @throws NasError `invalid-input` when their objectives differ.
 */
export function collectComparison(runs: readonly Compared[], now: number): ComparisonAnswer {
  for (const { store, memory } of runs) store.reading(() => memory.catchUp(store));
  const [first] = runs;
  const judged = runs.map((run) => ({ store: run.store, objectives: inOrder(first, run) }));
  const { worst, best, growths } = collectGrowths(judged);
  const { objectives } = first.memory.facts;
  return {
    objectives,
    measures: measuresOf(objectives.map(({ name }) => name)),
    worst,
    best,
    runs: runs.map(({ id, store, memory }, i) => ({
      id,
      run: memory.summary(store, now).run,
      frontier: memory.frontier.map(({ number, precision, values }) => ({ number, precision, values })),
      points: growths[i],
    })),
  };
}
