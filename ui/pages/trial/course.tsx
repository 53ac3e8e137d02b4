import type { ReportTaking, StoredPrecision, TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { type Fact, Facts, Tag } from '../../components/elements.js';
import { runAddress, trialAddress, trialsAddress } from '../../data/addresses.js';
import { duration } from '../../../base/number-text.js';
import { RunLog } from '../../components/run-status.js';
import { Table, type Column } from '../../components/table.js';

/** Ways to the trial before it, to the one after it, and back to all of them. */
export function Neighbours({ number }: { readonly number: number }) {
  const { live } = useRun();
  const count = Math.max(live.loaded.value.total, live.version.value === 0 ? 0 : lastOf(live.candidates.number) + 1);
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

const lastOf = (numbers: readonly number[]): number => numbers.at(-1) ?? -1;

/** How the trial stands, in words. */
export function Standing({ answer: { trial, onFrontier } }: { readonly answer: TrialAnswer }) {
  const { precision, variants = [] } = trial;
  const final = trial.final?.onFrontier;
  return (
    <p class="standing">
      <span class={`state ${trial.state}`}>{trial.state}</span>
      <span>
        {onFrontier ? 'On the frontier' : 'Not on the frontier'}
        {variants.length > 1 && precision !== null && precision !== undefined && ` in ${precision}`}
      </span>
      {final !== null && final !== undefined && (
        <span>{final ? 'on that of the final accuracies' : 'not on that of the final accuracies'}</span>
      )}
      {trial.enqueued !== null && (
        <span>
          given beforehand as <Tag text={trial.enqueued} />
        </span>
      )}
    </p>
  );
}

/** Which precision's network is shown in detail. */
export function PrecisionLinks({ trial: { number, precision, variants = [] } }: Pick<TrialAnswer, 'trial'>) {
  const { live } = useRun();
  if (variants.length < 2) return null;
  const href = (each: StoredPrecision): string => `${trialAddress(live.id, number)}?precision=${each}`;
  return (
    <nav aria-label="Precision" class="tabs">
      {variants.map((variant) => (
        <a
          key={variant.precision}
          href={href(variant.precision)}
          aria-current={variant.precision === precision ? 'page' : undefined}
        >
          {variant.precision}
        </a>
      ))}
    </nav>
  );
}

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
