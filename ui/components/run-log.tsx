import type { LogEntry } from '../../experiments/page/api.js';
import { Time } from './time.js';

/** How kinds of entries are called, and which of them need an eye. */
const kinds: { readonly [K in LogEntry['kind']]: { readonly title: string; readonly look?: string } } = {
  note: { title: 'note' },
  warning: { title: 'warning', look: 'interrupted' },
  status: { title: 'state' },
  resumed: { title: 'resumed', look: 'running' },
  'workers-group': { title: 'workers' },
  extended: { title: 'extended', look: 'running' },
  retried: { title: 'retried', look: 'interrupted' },
  promoted: { title: 'promoted', look: 'complete' },
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
          <span class={`state ${kinds[kind].look ?? ''}`}>{kinds[kind].title}</span>
          <span>
            {trial !== null && <a href={`${base}/trials/${trial}`}>#{trial}</a>} {message}
          </span>
        </li>
      ))}
    </ol>
  );
}
