import type { RunSummary } from '../../experiments/page/api.js';

/** How a run stands, in words that its colour repeats. */
export function RunState({ run: { status, message } }: { readonly run: RunSummary }) {
  return (
    <span class={`state ${status}`} title={message ?? undefined}>
      {status}
    </span>
  );
}
