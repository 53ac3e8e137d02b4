import type { LogEntry, RunSummary } from '../../experiments/page/api.js';
import { Time } from './elements.js';

/** How a run stands, in words that its colour repeats. */
export function RunState({ run: { status, message } }: { readonly run: RunSummary }) {
  return (
    <span class={`state ${status}`} title={message ?? undefined}>
      {status}
    </span>
  );
}

/** Trials of a run that have ended, however. */
export const endedTrials = ({ counts: { complete, pruned, failed } }: RunSummary): number => complete + pruned + failed;

/** How far a run is: a bar, and the same in numbers. */
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

/** How kinds of entries are called, and which of them need an eye. */
const kinds: { readonly [K in LogEntry['kind']]: { readonly title: string; readonly style?: string } } = {
  note: { title: 'note' },
  warning: { title: 'warning', style: 'interrupted' },
  status: { title: 'state' },
  resumed: { title: 'resumed', style: 'running' },
  'workers-group': { title: 'workers' },
  extended: { title: 'extended', style: 'running' },
  retried: { title: 'retried', style: 'interrupted' },
  promoted: { title: 'promoted', style: 'complete' },
};

/** What a run has said, the newest first; times are those of this place. */
export function RunLog({
  base,
  log,
}: {
  /** Address of the run. */ readonly base: string;
  readonly log: readonly LogEntry[];
}) {
  if (log.length === 0) return <p class="empty">Nothing was said so far.</p>;
  return (
    <ol class="log" aria-label="Log">
      {log.map(({ seq, at, kind, trial, message }) => (
        <li key={seq}>
          <Time at={at} />
          <span class={`state ${kinds[kind].style ?? ''}`}>{kinds[kind].title}</span>
          <span>
            {trial !== null && <a href={`${base}/trials/${trial}`}>#{trial}</a>} {message}
          </span>
        </li>
      ))}
    </ol>
  );
}
