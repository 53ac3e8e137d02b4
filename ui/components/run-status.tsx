import type { LogEntry, RunSummary } from '../../reports/page/api.js';
import { useRun } from '../data/hooks.js';
import { trialAddress } from '../data/addresses.js';
import { Time } from './elements.js';

export const RunState = ({ run: { status, message } }: { readonly run: RunSummary }) => (
  <span class={`state ${status}`} title={message ?? undefined}>
    {status}
  </span>
);

export const endedTrials = ({ counts: { complete, pruned, failed } }: RunSummary): number => complete + pruned + failed;

export function RunProgress({ run }: { readonly run: RunSummary }) {
  const ended = endedTrials(run);
  return (
    <span class="run-progress">
      <progress aria-label={`Trials of ${run.name} that have ended`} value={ended} max={Math.max(run.planned, 1)} />
      <span class="number">
        {ended.toLocaleString('en-US')} / {run.planned.toLocaleString('en-US')}
      </span>
    </span>
  );
}

/** A link to a trial of this run: `#12`. */
export function TrialLink({ number }: { readonly number: number }) {
  const { live } = useRun();
  return <a href={trialAddress(live.id, number)}>#{number}</a>;
}

export const TrialLinks = ({ numbers }: { readonly numbers: readonly number[] }) => (
  <>
    {numbers.map((number, i) => (
      <span key={number}>
        {i > 0 && ', '}
        <TrialLink number={number} />
      </span>
    ))}
  </>
);

const kinds: { readonly [K in LogEntry['kind']]: { readonly title: string; readonly style?: string } } = {
  note: { title: 'note' },
  warning: { title: 'warning', style: 'interrupted' },
  status: { title: 'state' },
  resumed: { title: 'resumed', style: 'running' },
  'inputs-accepted': { title: 'inputs changed', style: 'interrupted' },
  'teacher-left': { title: 'teacher', style: 'interrupted' },
  'workers-group': { title: 'workers' },
  extended: { title: 'extended', style: 'running' },
  retried: { title: 'retried', style: 'interrupted' },
  promoted: { title: 'promoted', style: 'complete' },
};

/** Log entries of this run, newest first, in local time. */
export function RunLog({ log }: { readonly log: readonly LogEntry[] }) {
  if (log.length === 0) return <p class="empty">The log is empty.</p>;
  return (
    <ol class="log" aria-label="Log">
      {log.map(({ seq, at, kind, trial, message }) => (
        <li key={seq}>
          <Time at={at} />
          <span class={`state ${kinds[kind].style ?? ''}`}>{kinds[kind].title}</span>
          <span>
            {trial !== null && <TrialLink number={trial} />} {message}
          </span>
        </li>
      ))}
    </ol>
  );
}
