import { useLocation, useRoute } from 'preact-iso';
import type { TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { Decisions } from '../../components/decisions.js';
import { NetworkDrawing } from '../../components/network-drawing.js';
import { NetworkParts } from '../../components/network-parts.js';
import { precisions } from '../../data/precisions.js';
import { useAnswer } from '../../data/use-answer.js';
import { CommandLine } from './command-line.js';
import { Course, TrialLog, TrialWorkers } from './course.js';
import { TrialFiles } from './files.js';
import { Neighbours, PrecisionLinks, Standing } from './head.js';
import { Latencies } from './latency.js';
import { TrialCurves } from './trial-curves.js';
import { TrialValues, Verdicts } from './values.js';

/** Seconds until a trial is asked for again: soon while it is tried, seldom while the run may still measure or train it. */
function patienceWith({ trial: { state } }: TrialAnswer, running: boolean): number | null {
  if (state === 'waiting' || state === 'running') return 3;
  return running ? 20 : null;
}

function Network({ trial: { parts, choices } }: Pick<TrialAnswer, 'trial'>) {
  return (
    <section>
      <h3>Network</h3>
      {parts === null ? (
        <p>The results come from a table: there is no network to be drawn.</p>
      ) : (
        <>
          <NetworkDrawing parts={parts} />
          <details>
            <summary>Its parts as a table</summary>
            <NetworkParts parts={parts} />
          </details>
        </>
      )}
      <h3>Decisions</h3>
      <Decisions choices={choices} />
    </section>
  );
}

function Trial({ answer }: { readonly answer: TrialAnswer }) {
  const { live, info } = useRun();
  const { trial, measurements, log, commands } = answer;
  return (
    <>
      <section>
        <Standing answer={answer} />
        <PrecisionLinks trial={trial} />
        <TrialValues trial={trial} objectives={info.objectives} measures={info.measures} />
        <Verdicts trial={trial} />
        <h3>How it went</h3>
        <Course answer={answer} />
        <TrialWorkers takings={answer.takings} />
      </section>
      <Network trial={trial} />
      <TrialCurves trial={trial} />
      <Latencies measurements={measurements} />
      {(commands.length > 0 || trial.files.length > 0) && (
        <section>
          <TrialFiles trial={trial} run={live.id} />
          {commands.length > 0 && <h3>Commands</h3>}
          {commands.map(({ title, line }) => (
            <CommandLine key={line} title={title} line={line} />
          ))}
        </section>
      )}
      <TrialLog log={log} />
    </>
  );
}

/** All that is known of one trial. */
export default function TrialPage() {
  const { live, info } = useRun();
  const { params } = useRoute();
  const { query } = useLocation();
  const number = Number(params['trial']);
  const valid = Number.isSafeInteger(number) && number >= 0;
  const precision = precisions.find((each) => each === query['precision']);
  const { answer, problem } = useAnswer(
    valid
      ? {
          address: '/api/runs/:run/trials/:trial',
          parameters: { run: live.id, trial: number },
          query: precision === undefined ? {} : { precision },
        }
      : null,
    (latest) => patienceWith(latest, info.run.status === 'running'),
    info.run.status,
  );
  return (
    <div class="trial">
      <div class="trial-head">
        <h2>{valid ? `Trial ${number}` : 'There is no such trial'}</h2>
        {valid && <Neighbours number={number} />}
      </div>
      {problem !== null && <p role="alert">{problem}</p>}
      {answer === null ? valid && problem === null && <p role="status">Loading …</p> : <Trial answer={answer} />}
    </div>
  );
}
