import type { ReportMember, ReportVariant, StoredPrecision, TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { textOf, titleOf } from '../../data/measures.js';
import { SideBySide, type SideRow } from './side-by-side.js';
import { TrialHead } from './trial-head.js';
import { bestOf } from './value-rows.js';

const variantOf = ({ variants = [] }: ReportMember, precision: StoredPrecision): ReportVariant | undefined =>
  variants.find((variant) => variant.precision === precision);

const verdictOf = ({ accepted, reason }: ReportVariant): string => {
  const verdict = accepted === null ? 'not judged yet' : accepted ? 'accepted' : 'rejected';
  return reason === null ? verdict : `${verdict}: ${reason}`;
};

/** The networks of trials in each precision, where the run tries several. */
export function ComparedPrecisions({ answers }: { readonly answers: readonly TrialAnswer[] }) {
  const { info } = useRun();
  const trials = answers.map(({ trial }) => trial);
  const precisions = [...new Set(trials.flatMap(({ variants = [] }) => variants.map(({ precision }) => precision)))];
  if (precisions.length === 0) return null;
  const rows = precisions.flatMap((precision): SideRow[] => [
    ...info.objectives.map(({ name, direction }) => {
      const values = trials.map((trial) => variantOf(trial, precision)?.values[name] ?? null);
      const best = bestOf(values, direction);
      return {
        title: `${titleOf(info.measures, name)} in ${precision}`,
        cells: values.map((value, i) => ({
          text: textOf(info.measures, name, value),
          ...(best[i] ? { mark: 'best' as const } : {}),
        })),
      };
    }),
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
      <SideBySide
        label="Trials in each precision"
        heads={trials.map((trial) => (
          <TrialHead key={trial.number} trial={trial} />
        ))}
        rows={rows}
      />
    </section>
  );
}
