import { placeText } from '../../../base/certainty.js';
import type { ReportMember, ReportVariant, StoredPrecision, TrialAnswer } from '../../../reports/page/api.js';
import { useQuery, useRun } from '../../data/hooks.js';
import { Checkbox } from '../../components/elements.js';
import { NetworkDrawing } from '../../components/network.js';
import { trialAddress } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import { numberRow, SideBySide, type SideCell, type SideRow } from './side-by-side.js';
import { decisionRows, valueRows } from './trial-rows.js';

interface Props {
  readonly answers: readonly TrialAnswer[];
}

/** The name of a trial: `#12`, or `#12 int8` in a run with several precisions. */
export const trialName = ({ number, precision, variants }: ReportMember): string =>
  variants === undefined || precision === null || precision === undefined ? `#${number}` : `#${number} ${precision}`;

function TrialHead({ trial }: Pick<TrialAnswer, 'trial'>) {
  const { live } = useRun();
  return (
    <>
      <a href={trialAddress(live.id, trial.number)}>{trialName(trial)}</a>
      {trial.enqueued !== null && <span class="side-note"> {trial.enqueued}</span>}
    </>
  );
}

const headsOf = (answers: readonly TrialAnswer[]) =>
  answers.map(({ trial }) => <TrialHead key={trial.number} trial={trial} />);

export function ComparedValues({ answers }: Props) {
  const { info } = useRun();
  const row = (title: string, of: (answer: TrialAnswer) => SideCell): SideRow => ({ title, cells: answers.map(of) });
  const states = row('state', ({ trial: { state, certainty }, onFrontier, rivals }) => ({
    text: state,
    note: onFrontier ? `on the frontier, ${placeText({ rivals, certainty })}` : null,
  }));
  const reasons = row('why it was tried', ({ text }) => ({ text: text.reason || '-' }));
  const notes = row('note', ({ trial: { note, tags = [] } }) => ({ text: note ?? '-', note: tags.join(' ') || null }));
  const isNoted = answers.some(({ trial: { note, tags } }) => (note ?? tags) !== undefined);
  const values = valueRows(
    info,
    answers.map(({ trial }) => trial),
  );
  return (
    <section>
      <h2>Values</h2>
      <SideBySide
        label="Values of trials"
        heads={headsOf(answers)}
        rows={[states, ...values, reasons, ...(isNoted ? [notes] : [])]}
      />
      <p class="note">★ is the best of its row by more than noise: its 95 % interval overlaps no other one.</p>
    </section>
  );
}

export function ComparedDecisions({ answers }: Props) {
  const { info } = useRun();
  const [query, change] = useQuery();
  const onlyDifferences = query['only'] === 'differences';
  const rows = decisionRows(
    info.decisions,
    answers.map(({ trial }) => trial.choices),
  );
  const different = rows.filter(({ differs }) => differs);
  return (
    <section>
      <div class="head">
        <h2>Decisions</h2>
        <span class="note">
          {different.length} of {rows.length} differ
        </span>
      </div>
      <div class="toolbar">
        <Checkbox
          label="Only differences"
          checked={onlyDifferences}
          onChange={(only) => change({ only: only ? 'differences' : null })}
        />
      </div>
      {onlyDifferences && different.length === 0 ? (
        <p class="empty">All trials have the same choices.</p>
      ) : (
        <SideBySide label="Decisions of trials" heads={headsOf(answers)} rows={onlyDifferences ? different : rows} />
      )}
      <p class="note">≠ differs from the first trial; - is a part that the network does not have.</p>
    </section>
  );
}

export function ComparedNetworks({ answers }: Props) {
  if (answers.every(({ trial }) => trial.parts === null)) return null;
  return (
    <section>
      <h2>Networks</h2>
      <div class="side-networks">
        {answers.map(({ trial }) => (
          <div key={trial.number} role="group" aria-label={`Network of ${trialName(trial)}`}>
            <h3>
              <TrialHead trial={trial} />
            </h3>
            {trial.parts === null ? (
              <p class="empty">Its network is unknown.</p>
            ) : (
              <NetworkDrawing parts={trial.parts} />
            )}
          </div>
        ))}
      </div>
      <p class="note">Each drawing has its own scale: boxes and bars compare the parts of one network.</p>
    </section>
  );
}

const variantOf = ({ variants = [] }: ReportMember, precision: StoredPrecision): ReportVariant | undefined =>
  variants.find((variant) => variant.precision === precision);

const verdictOf = ({ accepted, reason }: ReportVariant): string => {
  const verdict = accepted === null ? 'not judged yet' : accepted ? 'accepted' : 'rejected';
  return reason === null ? verdict : `${verdict}: ${reason}`;
};

/** The values and the verdict of each precision, in a run with several. */
export function ComparedPrecisions({ answers }: Props) {
  const { objectives, measures } = useRun().info;
  const trials = answers.map(({ trial }) => trial);
  const precisions = [...new Set(trials.flatMap(({ variants = [] }) => variants.map(({ precision }) => precision)))];
  if (precisions.length === 0) return null;
  const rows = precisions.flatMap((precision): SideRow[] => [
    ...objectives.map(({ name }) =>
      numberRow(
        `${titleOf(measures, name)} in ${precision}`,
        trials.map((trial) => ({ value: variantOf(trial, precision)?.values[name] ?? null })),
        // Their intervals are not known here.
        undefined,
        ({ value }) => textOf(measures, name, value),
      ),
    ),
    {
      title: `${precision} was`,
      cells: trials.map((trial) => {
        const variant = variantOf(trial, precision);
        if (variant === undefined) return { text: 'not tried' };
        return { text: verdictOf(variant), note: trial.precision === precision ? 'and chosen' : null };
      }),
    },
  ]);
  return (
    <section>
      <h2>Precisions</h2>
      <SideBySide label="Trials in each precision" heads={headsOf(answers)} rows={rows} />
    </section>
  );
}
