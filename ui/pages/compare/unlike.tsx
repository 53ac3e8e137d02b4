import type { ReadableRun, RunId } from '../../../experiments/page/api.js';
import { titleOf } from '../../data/measures.js';

/** What a run optimises, in words: runs that say the same can be compared. */
const goalOf = ({ objectives, measures }: ReadableRun): string =>
  objectives.map(({ name, direction }) => `${titleOf(measures, name)} (${direction})`).join(', ');

/** Runs that cannot be compared with each other: what each optimises, and which of them can. */
export function Unlike({
  ids,
  known,
  set,
}: {
  readonly ids: readonly RunId[];
  readonly known: readonly ReadableRun[];
  readonly set: (ids: readonly RunId[]) => void;
}) {
  const goals = new Map<string, RunId[]>();
  for (const id of ids) {
    const run = known.find((entry) => entry.id === id);
    const goal = run === undefined ? 'what it optimises cannot be read' : goalOf(run);
    goals.set(goal, [...(goals.get(goal) ?? []), id]);
  }
  if (goals.size < 2) return null;
  return (
    <>
      <p>Only runs with the same objectives share a plane. Of these:</p>
      <ul>
        {[...goals].map(([goal, alike]) => (
          <li key={goal}>
            {alike.join(', ')}: {goal}{' '}
            {alike.length > 1 && (
              <button type="button" onClick={() => set(alike)}>
                Compare only these
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
