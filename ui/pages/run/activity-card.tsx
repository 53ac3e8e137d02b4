import { duration, epochsText, percent } from '../../../base/number-text.js';
import type { Activity, MeasurementPurpose } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { runAddress } from '../../data/addresses.js';
import { trainingText } from '../../data/trainings.js';
import { useNow } from '../../data/use-now.js';

const purposes: { readonly [P in MeasurementPurpose]: string } = {
  calibration: 'latencies for the latency model',
  trial: 'latencies of trials',
  frontier: 'the frontier side by side',
};

function TrainingNow({
  activity,
  base,
}: {
  readonly activity: Activity & { kind: 'training' };
  readonly base: string;
}) {
  const { training, epochs, of, validationAccuracy, host } = activity;
  const text = `Training ${trainingText(training)}`;
  return (
    <>
      {training.trial === undefined ? text : <a href={`${base}/trials/${training.trial}`}>{text}</a>}
      {of !== null && <progress aria-label={`Epochs of ${trainingText(training)}`} value={epochs} max={of} />}
      <span class="note">
        {of === null ? epochsText(epochs) : `${epochs} of ${epochsText(of)}`}
        {validationAccuracy !== null && `, accuracy ${percent(validationAccuracy)}`}
        {host !== undefined && (host === null ? ', waits for a worker' : `, on ${host}`)}
      </span>
    </>
  );
}

/** What is being done at this moment, by whom there is. */
export function ActivityCard() {
  const { live, info } = useRun();
  const now = useNow();
  const base = runAddress(live.id);
  const activities = live.now.value;
  const { status } = info.run;
  return (
    <section>
      <h2>Now</h2>
      {activities.length === 0 ? (
        <p class="empty">
          {status === 'running'
            ? 'Nothing that is known of: the search chooses what comes next.'
            : `The run is ${status}.`}
        </p>
      ) : (
        <ul class="activities">
          {activities.map((activity, i) => (
            <li key={i}>
              {activity.kind === 'training' ? (
                <TrainingNow activity={activity} base={base} />
              ) : (
                <>
                  Measuring {purposes[activity.purpose]} <span class="note">{activity.measured} measured</span>
                </>
              )}{' '}
              <span class="note since">{duration(Math.max(0, now - activity.since) / 1000)}</span>
            </li>
          ))}
        </ul>
      )}
      {activities.length > 0 && <p class="note">Times are since an attempt began, or its last epoch ended.</p>}
    </section>
  );
}
