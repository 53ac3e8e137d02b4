import { duration, epochsText, percent } from '../../../base/number-text.js';
import { useNow, useRun } from '../../app/hooks.js';
import { endedTrials, RunLog } from '../../components/run-status.js';
import { Tiles, type TileText } from '../../components/elements.js';
import { textOf, titleOf } from '../../data/measures.js';
import type { Activity, MeasurementPurpose } from '../../../experiments/page/api.js';
import { runAddress } from '../../data/addresses.js';
import { trainingText } from '../../data/curves.js';
import { CurvesCard } from './curves-card.js';
import { DecisionsCard } from './decisions-card.js';
import { FrontierCard } from './frontier-card.js';
import { HypervolumeCard } from './hypervolume-card.js';

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The best value of each objective on the frontier. */
function bestTiles({
  live: { candidates, frontier, version },
  info: { objectives, measures },
}: ReturnType<typeof useRun>) {
  const rows = version.value === 0 ? [] : frontier.value.map((key) => candidates.rowOf(key) ?? -1);
  return objectives.flatMap(({ name, direction }): TileText[] => {
    const values = rows.flatMap((row) => candidates.values.get(name)?.[row] ?? []);
    if (values.length === 0) return [];
    const best = direction === 'maximize' ? Math.max(...values) : Math.min(...values);
    const isBest = (row: number): boolean => candidates.values.get(name)?.[row] === best;
    const bestRows = rows.filter(isBest);
    const predicted = bestRows.every((row) => candidates.provenance.get(name)?.[row] === 'predicted');
    const label = `best ${titleOf(measures, name)}${predicted ? ', predicted' : ''}`;
    return [{ value: textOf(measures, name, best), label }];
  });
}

/** What people look at first. */
export function RunTiles() {
  const current = useRun();
  const {
    live,
    info: { run, pace },
  } = current;
  const { counts, planned, rejected } = run;
  const stopped = counts.pruned + counts.failed;
  const tiles: readonly TileText[] = [
    { value: `${number(endedTrials(run))} / ${number(planned)}`, label: 'trials that have ended' },
    { value: number(live.frontier.value.length), label: 'networks on the frontier' },
    ...bestTiles(current),
    ...(pace.trialsPerHour === null ? [] : [{ value: number(pace.trialsPerHour), label: 'trials an hour' }]),
    ...(pace.etaSeconds === null ? [] : [{ value: duration(pace.etaSeconds), label: 'left' }]),
    ...(rejected === 0 ? [] : [{ value: number(rejected), label: 'rejected before training' }]),
    ...(stopped === 0
      ? []
      : [{ value: `${number(counts.pruned)} + ${number(counts.failed)}`, label: 'stopped early + failed' }]),
  ];
  return <Tiles tiles={tiles} />;
}

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

/** Notes, warnings, and what else the run has said. */
export function LogCard() {
  const { live, info } = useRun();
  return (
    <section>
      <h2>Log</h2>
      <div class="log-box" role="region" aria-label="Log of the run" tabIndex={0}>
        <RunLog base={runAddress(live.id)} log={info.log} />
      </div>
    </section>
  );
}

/** One run, live: the frontier, how it grew, what is being done, and why. */
export default function RunPage() {
  const {
    info: {
      run: { status, evaluation },
    },
  } = useRun();
  const trains = evaluation === 'training';
  return (
    <>
      <RunTiles />
      <div class="cards">
        <FrontierCard />
        <HypervolumeCard key={status} />
        {trains && <CurvesCard />}
        <ActivityCard />
        <LogCard />
        <DecisionsCard />
      </div>
    </>
  );
}
