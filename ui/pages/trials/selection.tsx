import { useState } from 'preact/hooks';
import type { Candidates } from '../../data/candidates.js';
import { mostCompared } from '../../data/in-address.js';

interface Selected {
  /** Of trials, in the order in which they were selected. */
  readonly numbers: readonly number[];
  readonly has: (row: number) => boolean;
  /** Selects a row, or no longer; beyond six nothing happens. */
  readonly toggle: (row: number) => void;
  readonly clear: () => void;
}

/** The trials that are selected to be compared; they stay so when the table is filtered. */
export function useSelection({ number }: Candidates): Selected {
  const [numbers, setNumbers] = useState<readonly number[]>([]);
  return {
    numbers,
    has: (row) => numbers.includes(number[row]),
    toggle: (row) =>
      setNumbers((now) => {
        const own = number[row];
        if (now.includes(own)) return now.filter((each) => each !== own);
        return now.length < mostCompared ? [...now, own] : now;
      }),
    clear: () => setNumbers([]),
  };
}

/** What can be done with what is selected. */
export function Selection({
  selection: { numbers, clear },
  base,
}: {
  readonly selection: Selected;
  readonly base: string;
}) {
  const { length } = numbers;
  if (length === 0) return <span class="note">Space or a tick selects up to six to be compared</span>;
  return (
    <span class="selection">
      {length >= 2 ? (
        <a class="button" href={`${base}/compare?trials=${numbers.join(',')}`}>
          Compare {length}
        </a>
      ) : (
        <span class="note">Select another one to compare</span>
      )}{' '}
      <button type="button" onClick={clear}>
        Select none
      </button>
      {length === mostCompared && <span class="note"> Six are the most</span>}
    </span>
  );
}
