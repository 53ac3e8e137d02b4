import type { TrialAnswer } from '../../../experiments/page/api.js';
import { NetworkDrawing } from '../../components/network.js';
import { TrialHead, trialName } from './trial-head.js';

/** The networks of trials beside each other. */
export function ComparedNetworks({ answers }: { readonly answers: readonly TrialAnswer[] }) {
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
              <p class="empty">Its network is not known.</p>
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
