import { bytes } from '../../../base/number-text.js';
import type { FileAddress, ReportFile, ReportMember, RunId, TrialAnswer } from '../../../experiments/page/api.js';
import { Table } from '../../components/table.js';
import { judgedOf, TrialValues, Verdicts } from './values.js';
import { CopyButton, Decisions } from '../../components/elements.js';
import { useLocation, useRoute } from 'preact-iso';
import { useRun } from '../../app/hooks.js';
import { NetworkDrawing, NetworkParts } from '../../components/network.js';
import { precisions } from '../../data/measures.js';
import { useAnswer } from '../../data/use-answer.js';
import { Course, Neighbours, PrecisionLinks, Standing, TrialLog, TrialWorkers } from './course.js';
import { Latencies, TrialCurves } from './measurements.js';

/** Where a file of a run's workdir is fetched from. */
const fileAddress = (run: RunId, path: string): FileAddress =>
  `/files/${[run, ...path.split('/')].map(encodeURIComponent).join('/')}`;

/** The files that are kept of it, in every precision. */
function filesOf(trial: ReportMember): readonly ReportFile[] {
  const all = [...trial.files, ...judgedOf(trial).flatMap(({ kept }) => kept?.files ?? [])];
  return [...new Map(all.map((file) => [file.path, file])).values()];
}

/** Its files, to be saved. */
export function TrialFiles({ trial, run }: { readonly trial: ReportMember; readonly run: RunId }) {
  const files = filesOf(trial);
  if (files.length === 0) return null;
  return (
    <>
      <h3>Files</h3>
      <Table
        label="Files"
        rows={files}
        columns={[
          {
            title: 'file',
            heading: true,
            cell: ({ path }) => (
              <a href={fileAddress(run, path)} download>
                {path}
              </a>
            ),
          },
          { title: 'kind', cell: ({ kind }) => kind },
          { title: 'size', numeric: true, cell: ({ bytes: size }) => bytes(size) },
          { title: 'SHA-256', cell: ({ sha256 }) => <code>{sha256.slice(0, 16)}…</code> },
        ]}
      />
    </>
  );
}

/** A command that can be copied. */
export function CommandLine({ title, line }: { readonly title: string; readonly line: string }) {
  return (
    <div class="command">
      <span>{title}</span>
      <code>{line}</code>
      <CopyButton text={line} label={title} />
    </div>
  );
}

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
