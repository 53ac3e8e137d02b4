import { duration, epochsText } from '../../../base/number-text.js';
import { estimateText } from '../../../base/certainty.js';
import { mainScores, scoreText } from '../../../base/scores.js';
import type { Activity, MeasurementPurpose } from '../../../reports/page/api.js';
import { useMemo } from 'preact/hooks';
import { useAddressFilter } from '../../components/filtered.js';
import { useNow, useRun } from '../../data/hooks.js';
import { EnqueueCard } from '../../components/actions.js';
import { AddressFilter } from '../../components/address-filter.js';
import { LatencyWarning } from '../../components/latency-warning.js';
import { NoteCard } from '../../components/note-card.js';
import { tileOf, Tiles, type TileText } from '../../components/elements.js';
import { endedTrials, RunLog } from '../../components/run-status.js';
import { trialAddress } from '../../data/addresses.js';
import { trainingText } from '../../data/curves.js';
import { isAccuracy, textWithError, titleOf } from '../../data/measures.js';
import { CurvesCard } from './curves-card.js';
import { DecisionsCard } from './decisions-card.js';
import { FrontierCard } from './frontier-card.js';
import { HypervolumeCard } from './hypervolume-card.js';

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

function bestTiles({
  live: { candidates, frontier, version },
  info: { run, objectives, measures },
}: ReturnType<typeof useRun>) {
  const rows = version.value === 0 ? [] : frontier.value.map((key) => candidates.rowOf(key) ?? -1);
  const { finalAccuracy, finalError } = candidates;
  const byFinal = rows.toSorted((a, b) => (finalAccuracy[b] ?? -Infinity) - (finalAccuracy[a] ?? -Infinity));
  return objectives.flatMap(({ name, direction }): TileText[] => {
    const valueOf = (row: number) => candidates.values.get(name)?.[row];
    if (isAccuracy(measures, name) && typeof finalAccuracy[byFinal[0]] === 'number') {
      const { title, unit } = mainScores[run.task];
      const text = estimateText(unit, finalAccuracy[byFinal[0]], finalError[byFinal[0]]);
      return [{ value: text, label: `best final ${title}` }];
    }
    const values = rows.flatMap((row) => valueOf(row) ?? []);
    if (values.length === 0) return [];
    const best = direction === 'maximize' ? Math.max(...values) : Math.min(...values);
    const own = rows.filter((row) => valueOf(row) === best);
    const certainty = candidates.certainty.get(name)?.[own[0]];
    const predicted = own.every((row) => candidates.provenance.get(name)?.[row] === 'predicted');
    const doubt = predicted ? ', predicted' : certainty?.unreliable === undefined ? '' : ', not reliable';
    return [
      { value: textWithError(measures, name, best, certainty), label: `best ${titleOf(measures, name)}${doubt}` },
    ];
  });
}

function RunTiles() {
  const current = useRun();
  const { run, pace } = current.info;
  const { counts, planned, rejected } = run;
  const { pruned, failed } = counts;
  const tiles = [
    ...tileOf(`${number(endedTrials(run))} / ${number(planned)}`, 'trials that have ended'),
    ...tileOf(number(current.live.frontier.value.length), 'networks on the frontier'),
    ...bestTiles(current),
    ...tileOf(pace.trialsPerHour === null ? null : number(pace.trialsPerHour), 'trials/h'),
    ...tileOf(pace.etaSeconds === null ? null : duration(pace.etaSeconds), 'ETA'),
    ...tileOf(rejected > 0 ? number(rejected) : null, 'rejected before training'),
    ...tileOf(pruned + failed > 0 ? `${number(pruned)} + ${number(failed)}` : null, 'stopped early + failed'),
  ];
  return <Tiles tiles={tiles} />;
}

const purposes: { readonly [P in MeasurementPurpose]: string } = {
  calibration: 'latencies for the latency model',
  trial: 'latencies of trials',
  frontier: 'the frontier side by side',
};

function TrainingNow({ activity }: { readonly activity: Activity & { kind: 'training' } }) {
  const { live, info } = useRun();
  const { task } = info.run;
  const { training, epochs, of, validationAccuracy, host } = activity;
  const text = `Training ${trainingText(training)}`;
  return (
    <>
      {training.trial === undefined ? text : <a href={trialAddress(live.id, training.trial)}>{text}</a>}
      {of !== null && <progress aria-label={`Epochs of ${trainingText(training)}`} value={epochs} max={of} />}
      <span class="note">
        {of === null ? epochsText(epochs) : `${epochs} of ${epochsText(of)}`}
        {validationAccuracy !== null && `, ${mainScores[task].title} ${scoreText(task, validationAccuracy)}`}
        {host !== undefined && (host === null ? ', waiting for a worker' : `, on ${host}`)}
      </span>
    </>
  );
}

function ActivityCard() {
  const { live, info } = useRun();
  const now = useNow() + live.clockLead.value;
  const activities = live.now.value;
  const { status } = info.run;
  if (activities.length === 0 && status !== 'running') return null;
  return (
    <section>
      <h2>Now</h2>
      {activities.length === 0 ? (
        <p class="empty">Nothing is trained or measured right now.</p>
      ) : (
        <>
          <ul class="activities">
            {activities.map((activity, i) => (
              <li key={i}>
                {activity.kind === 'training' ? (
                  <TrainingNow activity={activity} />
                ) : (
                  <>
                    Measuring {purposes[activity.purpose]} <span class="note">{activity.measured} measured</span>
                  </>
                )}{' '}
                <span class="note since">{duration(Math.max(0, now - activity.since) / 1000)}</span>
              </li>
            ))}
          </ul>
          <p class="note">Times count from the start of the attempt, or the end of its last epoch.</p>
        </>
      )}
    </section>
  );
}

function LogCard() {
  const { info } = useRun();
  return (
    <section>
      <h2>Log</h2>
      <div class="log-box" role="region" aria-label="Log of the run" tabIndex={0}>
        <RunLog log={info.log} />
      </div>
    </section>
  );
}

export default function RunPage() {
  const { run, latencies } = useRun().info;
  const { status, evaluation } = run;
  const filtered = useAddressFilter();
  const { test, all } = filtered;
  const kept = useMemo(() => (test === null ? all : all.filter(test)).length, [all, test]);
  return (
    <>
      <LatencyWarning warning={latencies} />
      <RunTiles />
      <div class="cards">
        <section class="wide">
          <AddressFilter filtered={filtered}>
            {test === null
              ? `All ${number(all.length)} trials are shown.`
              : `${number(kept)} of ${number(all.length)} trials are shown: as marks of the frontier, in the learning curves and the reasons. The line of the frontier and all else are of all trials.`}
          </AddressFilter>
        </section>
        <FrontierCard test={test} />
        <HypervolumeCard key={status} />
        <ActivityCard />
        <LogCard />
        {evaluation === 'training' && <CurvesCard test={test} />}
        <DecisionsCard test={test} />
      </div>
      <NoteCard trial={null} />
      <EnqueueCard title="Enqueue a network" choices={{}} />
    </>
  );
}
