import type { CandidateKey } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { mostCompared } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import { AddField } from './chosen.js';

/** Members of the frontier, each trial once, with the values that it is there for. */
function useFrontier(): readonly { readonly number: number; readonly text: string }[] {
  const { live, info } = useRun();
  // Whoever reads columns is drawn again when they change.
  if (live.version.value === 0) return [];
  const textsOf = (key: CandidateKey): string => {
    const row = live.candidates.rowOf(key);
    return info.objectives
      .map(({ name }) => {
        const value = row === undefined ? null : live.candidates.values.get(name)?.[row];
        return `${titleOf(info.measures, name)} ${textOf(info.measures, name, value)}`;
      })
      .join(', ');
  };
  const seen = new Map(live.frontier.value.map((key) => [key.number, key]));
  return [...seen].map(([number, key]) => ({ number, text: textsOf(key) }));
}

/** Adds a trial by its number; members of the frontier are suggested. */
export function AddTrial({
  numbers,
  add,
}: {
  readonly numbers: readonly number[];
  readonly add: (number: number) => void;
}) {
  const { live } = useRun();
  const frontier = useFrontier();
  const { total } = live.loaded.value;
  const take = (text: string): string | null => {
    const number = /^#?(\d+)$/.exec(text)?.[1];
    if (number === undefined) return 'A trial is named by its number, as in 12.';
    if (numbers.includes(Number(number))) return `#${number} is there already.`;
    if (Number(number) >= total) return `There is no trial ${number}: the last one is ${total - 1}.`;
    add(Number(number));
    return null;
  };
  return (
    <AddField
      label="Add trial"
      hint="By number; members of the frontier are suggested."
      full={numbers.length >= mostCompared}
      suggestions={frontier
        .filter(({ number }) => !numbers.includes(number))
        .map(({ number, text }) => ({ value: String(number), text: `#${number}: ${text}` }))}
      add={take}
    />
  );
}

/** So many of several, from the first to the last, as evenly as can be. */
function spread<T>(values: readonly T[], count: number): readonly T[] {
  if (values.length <= count) return values;
  return Array.from({ length: count }, (_, i) => values[Math.round((i * (values.length - 1)) / (count - 1))]);
}

/** What can be compared, where nothing is chosen yet: the frontier. */
export function FrontierOffer({
  numbers,
  set,
}: {
  readonly numbers: readonly number[];
  readonly set: (numbers: readonly number[]) => void;
}) {
  const frontier = useFrontier();
  if (frontier.length === 0)
    return (
      <p class="empty">Name two to six trials. Members of the frontier will be offered here once there are any.</p>
    );
  const few = spread(frontier, 3).map(({ number }) => number);
  return (
    <>
      <p>
        {numbers.length === 0 ? 'Choose two to six trials' : 'Choose at least one more'}, here from the frontier or on
        the trials page.{' '}
        {few.length > 1 && (
          <button type="button" class="primary" onClick={() => set(few)}>
            Compare {few.map((number) => `#${number}`).join(', ')}
          </button>
        )}
      </p>
      <ul class="compare-offer" aria-label="Members of the frontier">
        {frontier
          .filter(({ number }) => !numbers.includes(number))
          .map(({ number, text }) => (
            <li key={number}>
              <button type="button" aria-label={`Add #${number}`} onClick={() => set([...numbers, number])}>
                + #{number}
              </button>{' '}
              {text}
            </li>
          ))}
      </ul>
    </>
  );
}
