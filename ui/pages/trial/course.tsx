import { placeText } from '../../../base/certainty.js';
import { duration } from '../../../base/number-text.js';
import type { ReportAssignment, TrialAnswer } from '../../../reports/page/api.js';
import { useRun } from '../../data/hooks.js';
import { Facts, Tag, type Fact } from '../../components/elements.js';
import { RunLog, TrialLinks } from '../../components/run-status.js';
import { Table, type Column } from '../../components/table.js';
import { trialAddress, trialsAddress } from '../../data/addresses.js';

export function Neighbours({ number }: { readonly number: number }) {
  const { live } = useRun();
  const last = live.version.value === 0 ? -1 : (live.candidates.number.at(-1) ?? -1);
  const count = Math.max(live.loaded.value.total, last + 1);
  return (
    <nav aria-label="Neighbouring trials" class="neighbours">
      {number > 0 && (
        <a rel="prev" href={trialAddress(live.id, number - 1)}>
          ← Trial {number - 1}
        </a>
      )}
      <a href={trialsAddress(live.id)}>All trials</a>
      {number + 1 < count && (
        <a rel="next" href={trialAddress(live.id, number + 1)}>
          Trial {number + 1} →
        </a>
      )}
    </nav>
  );
}

export function Standing({ answer: { trial, onFrontier, rivals } }: { readonly answer: TrialAnswer }) {
  const { precision, variants = [] } = trial;
  const final = trial.final?.onFrontier ?? null;
  return (
    <p class="standing">
      <span class={`state ${trial.state}`}>{trial.state}</span>
      <span>
        {onFrontier ? 'On the frontier' : 'Not on the frontier'}
        {variants.length > 1 && precision !== null && precision !== undefined && ` in ${precision}`}
        {onFrontier && trial.certainty !== undefined && `, ${placeText({ rivals, certainty: trial.certainty })}`}
      </span>
      {final !== null && <span>{final ? 'On the final frontier' : 'Not on the final frontier'}</span>}
      {trial.enqueued !== null && (
        <span>
          enqueued as <Tag text={trial.enqueued} />
        </span>
      )}
    </p>
  );
}

/** Chooses the precision whose network is shown in detail. */
export function PrecisionLinks({ trial: { number, precision, variants = [] } }: Pick<TrialAnswer, 'trial'>) {
  const { live } = useRun();
  if (variants.length < 2) return null;
  return (
    <nav aria-label="Precision" class="tabs">
      {variants.map((variant) => (
        <a
          key={variant.precision}
          href={`${trialAddress(live.id, number)}?precision=${variant.precision}`}
          aria-current={variant.precision === precision ? 'page' : undefined}
        >
          {variant.precision}
        </a>
      ))}
    </nav>
  );
}

const sinceStart = (seconds: number): string => `${duration(seconds)} into the run`;

/** Why the trial was tried, how long it took, and why it ended. */
export function Course({ answer: { trial, text, attempts, rejected } }: { readonly answer: TrialAnswer }) {
  const { startedAfter, finishedAfter, message } = trial;
  const facts: readonly (Fact | null)[] = [
    ['why it was tried', text.reason],
    text.pending.length === 0 ? null : ['unseen by the controller', <TrialLinks numbers={text.pending} />],
    message === null ? null : ['why it ended', message],
    rejected === 0 ? null : ['rejected before it', `${rejected} candidates, at no cost`],
    startedAfter === null ? null : ['started', sinceStart(startedAfter)],
    startedAfter === null || finishedAfter === null ? null : ['took', duration(finishedAfter - startedAfter)],
    attempts < 2 ? null : ['attempts', `${attempts}`],
    ['genotype', <code>{text.genotypeId}</code>],
  ];
  return <Facts entries={facts.filter((fact) => fact !== null)} />;
}

const workerColumns: readonly Column<ReportAssignment>[] = [
  { title: 'stage', cell: ({ stage }) => stage },
  { title: 'attempt', numeric: true, cell: ({ attempt }) => attempt },
  { title: 'host', cell: ({ host }) => host },
  { title: 'group', cell: ({ group }) => (group === null ? '' : <code>{group}</code>) },
  { title: 'started', numeric: true, cell: ({ takenAfter }) => sinceStart(takenAfter) },
  { title: 'ended', cell: ({ ended }) => ended ?? 'running' },
];

/** The machines that trained this trial, in a run with a queue. */
export function TrialWorkers({ assignments = [] }: Pick<TrialAnswer, 'assignments'>) {
  if (assignments.length === 0) return null;
  return (
    <>
      <h3>Workers</h3>
      <Table columns={workerColumns} rows={assignments} label="Workers of its trainings" />
    </>
  );
}

export const TrialLog = ({ log }: Pick<TrialAnswer, 'log'>) =>
  log.length === 0 ? null : (
    <section>
      <h3>Log</h3>
      <RunLog log={log} />
    </section>
  );
