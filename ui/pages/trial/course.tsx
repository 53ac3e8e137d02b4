import { duration } from '../../../base/number-text.js';
import type { ReportTaking, TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { Facts, type Fact } from '../../components/facts.js';
import { RunLog } from '../../components/run-log.js';
import { Table, type Column } from '../../components/table.js';
import { runAddress, trialAddress } from '../../data/addresses.js';

/** Trials by their numbers, each a way to it. */
function TrialLinks({ numbers }: { readonly numbers: readonly number[] }) {
  const { live } = useRun();
  return (
    <>
      {numbers.map((number, i) => (
        <span key={number}>
          {i > 0 && ', '}
          <a href={trialAddress(live.id, number)}>{number}</a>
        </span>
      ))}
    </>
  );
}

/** Why it was tried, how it went, and why it ended. */
export function Course({ answer: { trial, text, attempts, rejected } }: { readonly answer: TrialAnswer }) {
  const { startedAfter, finishedAfter, message } = trial;
  const facts: readonly (Fact | null)[] = [
    ['why it was tried', text.reason],
    text.pending.length === 0 ? null : ['not known then', <TrialLinks numbers={text.pending} />],
    message === null ? null : ['why it ended', message],
    rejected === 0 ? null : ['rejected before it', `${rejected} candidates, before anything was spent on them`],
    startedAfter === null ? null : ['started', `${duration(startedAfter)} after the run`],
    startedAfter === null || finishedAfter === null ? null : ['took', duration(finishedAfter - startedAfter)],
    attempts < 2 ? null : ['attempts', `${attempts}`],
    ['genotype', <code>{text.genotypeId}</code>],
  ];
  return <Facts entries={facts.filter((fact) => fact !== null)} />;
}

const takingColumns: readonly Column<ReportTaking>[] = [
  { title: 'stage', cell: ({ stage }) => stage },
  { title: 'attempt', numeric: true, cell: ({ attempt }) => attempt },
  { title: 'host', cell: ({ host }) => host },
  { title: 'group', cell: ({ group }) => (group === null ? '' : <code>{group}</code>) },
  { title: 'taken', numeric: true, cell: ({ takenAfter }) => `${duration(takenAfter)} after the run` },
  { title: 'ended', cell: ({ ended }) => ended ?? 'at work' },
];

/** Which machines took its trainings, in a run that works through a queue. */
export function TrialWorkers({ takings = [] }: Pick<TrialAnswer, 'takings'>) {
  if (takings.length === 0) return null;
  return (
    <>
      <h3>Workers</h3>
      <Table columns={takingColumns} rows={takings} label="Workers that took its trainings" />
    </>
  );
}

/** What the run said of this trial. */
export function TrialLog({ log }: Pick<TrialAnswer, 'log'>) {
  const { live } = useRun();
  if (log.length === 0) return null;
  return (
    <section>
      <h3>Log</h3>
      <RunLog base={runAddress(live.id)} log={log} />
    </section>
  );
}
