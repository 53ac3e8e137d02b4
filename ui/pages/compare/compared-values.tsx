import type { TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { SideBySide, type SideRow } from './side-by-side.js';
import { TrialHead } from './trial-head.js';
import { valueRows } from './value-rows.js';

/** Values of trials, and the best of each. */
export function ComparedValues({ answers }: { readonly answers: readonly TrialAnswer[] }) {
  const { info } = useRun();
  const trials = answers.map(({ trial }) => trial);
  const states: SideRow = {
    title: 'state',
    cells: answers.map(({ trial: { state }, onFrontier }) => ({
      text: state,
      note: onFrontier ? 'on the frontier' : null,
    })),
  };
  const reasons: SideRow = {
    title: 'why it was tried',
    cells: answers.map(({ text }) => ({ text: text.reason || '-' })),
  };
  const rows = valueRows(info, trials).map(({ title, cells }) => ({
    title,
    cells: cells.map(({ text, best, predicted }) => ({
      text,
      note: predicted ? 'predicted' : null,
      ...(best ? { mark: 'best' as const } : {}),
    })),
  }));
  return (
    <section>
      <h2>Values</h2>
      <SideBySide
        label="Values of trials"
        heads={trials.map((trial) => (
          <TrialHead key={trial.number} trial={trial} />
        ))}
        rows={[states, ...rows, reasons]}
      />
      <p class="note">★ is the best of its row. Objectives stand first.</p>
    </section>
  );
}
