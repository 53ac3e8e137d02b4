import type { ReportMember, TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { trialAddress } from '../../data/addresses.js';

/** How a trial is called where several are: `#12`, of several precisions `#12 int8`. */
export const trialName = ({ number, precision, variants }: ReportMember): string =>
  variants === undefined || precision === null || precision === undefined ? `#${number}` : `#${number} ${precision}`;

/** A trial over its column. */
export function TrialHead({ trial }: Pick<TrialAnswer, 'trial'>) {
  const { live } = useRun();
  return (
    <>
      <a href={trialAddress(live.id, trial.number)}>{trialName(trial)}</a>
      {trial.enqueued !== null && <span class="side-note"> {trial.enqueued}</span>}
    </>
  );
}
