import type { StoredPrecision, TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { Tag } from '../../components/tag.js';
import { trialAddress, trialsAddress } from '../../data/addresses.js';

/** Ways to the trial before it, to the one after it, and back to all of them. */
export function Neighbours({ number }: { readonly number: number }) {
  const { live } = useRun();
  const count = Math.max(live.loaded.value.total, live.version.value === 0 ? 0 : lastOf(live.candidates.number) + 1);
  return (
    <nav aria-label="Neighbouring trials" class="neighbours">
      {number > 0 && (
        <a rel="prev" href={trialAddress(live.id, number - 1)}>
          ← Trial {number - 1}
        </a>
      )}
      <a href={trialsAddress(live.id)}>All trials</a>
      {number + 1 < count && (
        <a rel="next" href={trialAddress(live.id, number + 1)}>
          Trial {number + 1} →
        </a>
      )}
    </nav>
  );
}

const lastOf = (numbers: readonly number[]): number => numbers.at(-1) ?? -1;

/** How the trial stands, in words. */
export function Standing({ answer: { trial, onFrontier } }: { readonly answer: TrialAnswer }) {
  const { precision, variants = [] } = trial;
  const final = trial.final?.onFrontier;
  return (
    <p class="standing">
      <span class={`state ${trial.state}`}>{trial.state}</span>
      <span>
        {onFrontier ? 'On the frontier' : 'Not on the frontier'}
        {variants.length > 1 && precision !== null && precision !== undefined && ` in ${precision}`}
      </span>
      {final !== null && final !== undefined && (
        <span>{final ? 'on that of the final accuracies' : 'not on that of the final accuracies'}</span>
      )}
      {trial.enqueued !== null && (
        <span>
          given beforehand as <Tag text={trial.enqueued} />
        </span>
      )}
    </p>
  );
}

/** Which precision's network is shown in detail. */
export function PrecisionLinks({ trial: { number, precision, variants = [] } }: Pick<TrialAnswer, 'trial'>) {
  const { live } = useRun();
  if (variants.length < 2) return null;
  const href = (each: StoredPrecision): string => `${trialAddress(live.id, number)}?precision=${each}`;
  return (
    <nav aria-label="Precision" class="tabs">
      {variants.map((variant) => (
        <a
          key={variant.precision}
          href={href(variant.precision)}
          aria-current={variant.precision === precision ? 'page' : undefined}
        >
          {variant.precision}
        </a>
      ))}
    </nav>
  );
}
