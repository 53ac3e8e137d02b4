import { useEffect, useMemo, useState } from 'preact/hooks';
import type { TrialText } from '../../../reports/page/api.js';
import { useRun, useThrottled } from '../../data/hooks.js';
import { Tag } from '../../components/elements.js';
import { TrialLink } from '../../components/run-status.js';
import { numberColumn, Table } from '../../components/table.js';
import { trialsAddress } from '../../data/addresses.js';
import type { Candidates } from '../../data/candidates.js';
import { textOf, titleOf } from '../../data/measures.js';
import { fetchTexts, Texts } from '../../data/texts.js';
import type { Test } from '../../filter/compile.js';

const pageSize = 15;

/** The rows of the newest trials that the filter keeps, newest first. Rows are roughly in the order of trial numbers. */
function newestRows({ chosen, number, length }: Candidates, count: number, test: Test | null): readonly number[] {
  const rows: number[] = [];
  for (let row = length - 1; row >= 0 && rows.length < count; row--)
    if (chosen[row] && (test?.(row) ?? true)) rows.push(row);
  return rows.sort((a, b) => number[b] - number[a]);
}

function Reason({ text }: { readonly text: TrialText | undefined }) {
  if (text === undefined) return <>…</>;
  const { reason, message } = text;
  return (
    <div class="why">
      {reason === '' ? '-' : reason}
      {message !== null && <div class="note">{message}</div>}
    </div>
  );
}

export function DecisionsCard({ test }: { readonly test: Test | null }) {
  const { live, info } = useRun();
  const { candidates } = live;
  const [count, setCount] = useState(pageSize);
  const version = useThrottled(live.version, 1000);
  const rows = useMemo(() => newestRows(candidates, count, test), [version, count, candidates, test]);
  const texts = useMemo(() => new Texts(fetchTexts(live.id), (number) => candidates.hasEnded(number)), [live]);
  useEffect(() => texts.want(rows.map((row) => candidates.number[row])), [texts, rows]);
  const loaded = texts.version.value > 0;
  const { objectives, measures } = info;
  return (
    <section class="wide reasons">
      <h2>Why these candidates</h2>
      {rows.length === 0 ? (
        <p class="empty">{test === null ? 'There is no trial yet.' : 'No trial matches the filter.'}</p>
      ) : (
        <Table
          label="The newest trials"
          rows={rows}
          columns={[
            { title: 'trial', heading: true, cell: (row) => <TrialLink number={candidates.number[row]} /> },
            {
              title: 'state',
              cell: (row) => <span class={`state ${candidates.state[row]}`}>{candidates.state[row]}</span>,
            },
            ...objectives.map(({ name }) =>
              numberColumn(titleOf(measures, name), (row: number) => (
                <>
                  {textOf(measures, name, candidates.values.get(name)?.[row])}{' '}
                  {candidates.provenance.get(name)?.[row] === 'predicted' && <Tag text="predicted" />}
                </>
              )),
            ),
            {
              title: 'why it was tried',
              cell: (row) => <Reason text={loaded ? texts.of(candidates.number[row]) : undefined} />,
            },
          ]}
        />
      )}
      {rows.length === count && (
        <p>
          <button type="button" onClick={() => setCount(count + pageSize)}>
            More
          </button>{' '}
          <a href={trialsAddress(live.id)}>All trials</a>
        </p>
      )}
    </section>
  );
}
