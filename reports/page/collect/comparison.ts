import type { Certainty } from '../../../base/certainty.js';
import { invalidInput } from '../../../base/errors.js';
import { ParetoArchive, judgedPoint } from '../../../search/frontier.js';
import { hypervolume, hypervolumeImprovement } from '../../../search/hypervolume.js';
import type { Objective, Values } from '../../../search/index.js';
import type { Point } from '../../../search/pareto.js';
import type { Store } from '../../../store/index.js';
import { measureTexts } from '../../read-model/text.js';
import { objectivesOf } from '../../../runner/stored/experiment.js';
import type { ComparisonAnswer, HypervolumeAnswer, HypervolumePoint, RunId } from '../api.js';
import type { RunCache } from './run-cache.js';

/** An ended trial with the objective points of its feasible candidates. */
interface EndedTrial {
  readonly seconds: number;
  readonly points: readonly Point[];
}

/** Trials of a run in the order of their ends. */
function endedOf(store: Store, objectives: readonly Objective[]): EndedTrial[] {
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

/** Best and worst value of each objective, with signs such that smaller is better. */
interface Bounds {
  readonly best: Point;
  readonly worst: Point;
}

function boundsOf(objectives: readonly Objective[], runs: readonly (readonly EndedTrial[])[]): Bounds {
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

/** Points where the share changed, and the last one. An objective with equal bounds does not count. */
function historyOf(ended: readonly EndedTrial[], { best, worst }: Bounds): HypervolumePoint[] {
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
  // Corrects the rounding drift of the sum.
  const last = points.at(-1);
  if (last !== undefined) points[points.length - 1] = { ...last, share: hypervolume(archive.points, reference) };
  if (last === undefined || last.trials < trials) points.push({ trials, seconds, share: points.at(-1)?.share ?? 0 });
  return points;
}

/**
 * Hypervolume history of each run, within common bounds. Uses current values of feasible candidates.
 * About 0.6 s for 50,000 trials.
 */
function collectHistories(
  runs: readonly { readonly store: Store; readonly objectives: readonly Objective[] }[],
): Pick<HypervolumeAnswer, 'worst' | 'best'> & { readonly histories: readonly HypervolumePoint[][] } {
  const ended = runs.map(({ store, objectives }) => store.reading(() => endedOf(store, objectives)));
  const objectives = runs.at(0)?.objectives ?? [];
  const bounds = boundsOf(objectives, ended);
  return {
    worst: valuesAt(objectives, bounds.worst),
    best: valuesAt(objectives, bounds.best),
    histories: ended.map((run) => historyOf(run, bounds)),
  };
}

export function collectHypervolume(store: Store): HypervolumeAnswer {
  const { worst, best, histories } = collectHistories([{ store, objectives: objectivesOf(store) }]);
  return { worst, best, points: histories[0] };
}

interface ComparedRun {
  readonly id: RunId;
  readonly store: Store;
  readonly cache: RunCache;
}

const objectiveText = ({ name, direction }: Objective): string => `${direction} ${name}`;

/** The objectives of `other` in the order of `first`. @throws NasError `invalid-input` when they differ. */
function inOrder(first: ComparedRun, other: ComparedRun): readonly Objective[] {
  const objectives = first.cache.facts.objectives;
  const own = other.cache.facts.objectives;
  const found = objectives.flatMap(
    (objective) => own.find((one) => objectiveText(one) === objectiveText(objective)) ?? [],
  );
  if (found.length === objectives.length && found.length === own.length) return found;
  const text = (all: readonly Objective[]): string => all.map(objectiveText).join(', ');
  throw invalidInput(
    `the runs have different objectives: ${first.id}: ${text(objectives)}; ${other.id}: ${text(own)}`,
    { hint: 'Compare runs with the same objectives.' },
  );
}

const withoutSessions = (certainty: Readonly<Record<string, Certainty>>): Record<string, Certainty> =>
  Object.fromEntries(
    Object.entries(certainty).map(([name, { interval, standardError, unreliable }]) => [
      name,
      {
        interval,
        ...(standardError !== undefined && { standardError }),
        ...(unreliable !== undefined && { unreliable }),
      },
    ]),
  );

/**
 * Runs with the same objectives side by side, in the first one's order of objectives.
 * @param now ms since 1970
 * @throws NasError `invalid-input` when their objectives differ.
 */
export function collectComparison(runs: readonly ComparedRun[], now: number): ComparisonAnswer {
  for (const { store, cache } of runs) store.reading(() => cache.update(store));
  const [first] = runs;
  const judged = runs.map((run) => ({ store: run.store, objectives: inOrder(first, run) }));
  const { worst, best, histories } = collectHistories(judged);
  const { objectives } = first.cache.facts;
  return {
    objectives,
    measures: measureTexts(objectives.map(({ name }) => name)),
    worst,
    best,
    runs: runs.map(({ id, store, cache }, i) => ({
      id,
      run: cache.summary(store, now).run,
      frontier: cache.frontier.map(({ number, precision, values, certainty }) => ({
        number,
        precision,
        values,
        ...(certainty && { certainty: withoutSessions(certainty) }),
      })),
      points: histories[i],
    })),
  };
}
