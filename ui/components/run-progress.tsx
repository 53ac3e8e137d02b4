import type { RunSummary } from '../../experiments/page/api.js';

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
