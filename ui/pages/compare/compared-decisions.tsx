import { useLocation } from 'preact-iso';
import type { TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { withQuery } from '../../data/addresses.js';
import { decisionRows } from './decision-rows.js';
import { SideBySide } from './side-by-side.js';
import { TrialHead } from './trial-head.js';

/** What trials have chosen, and where they differ. */
export function ComparedDecisions({ answers }: { readonly answers: readonly TrialAnswer[] }) {
  const { info } = useRun();
  const { path, query, route } = useLocation();
  const onlyDifferences = query['only'] === 'differences';
  const rows = decisionRows(
    info.decisions,
    answers.map(({ trial }) => trial.choices),
  );
  const different = rows.filter(({ differs }) => differs);
  const show = (only: boolean) => route(withQuery(path, { ...query, only: only ? 'differences' : undefined }), true);
  return (
    <section>
      <div class="head">
        <h2>Decisions</h2>
        <span class="note">
          {different.length} of {rows.length} differ
        </span>
      </div>
      <div class="toolbar">
        <label>
          <input
            type="checkbox"
            checked={onlyDifferences}
            onChange={({ currentTarget: { checked } }) => show(checked)}
          />
          Only what differs
        </label>
      </div>
      {onlyDifferences && different.length === 0 ? (
        <p class="empty">They have all chosen the same.</p>
      ) : (
        <SideBySide
          label="Decisions of trials"
          heads={answers.map(({ trial }) => (
            <TrialHead key={trial.number} trial={trial} />
          ))}
          rows={(onlyDifferences ? different : rows).map(({ decision, cells, differs }) => ({
            title: decision,
            differs,
            cells: cells.map(({ choice, apart }) => ({
              text: choice === null ? '-' : String(choice),
              ...(apart ? { mark: 'apart' as const } : {}),
            })),
          }))}
        />
      )}
      <p class="note">
        ≠ is not what the first of these trials has chosen; - is a part that the network does not have.
      </p>
    </section>
  );
}
