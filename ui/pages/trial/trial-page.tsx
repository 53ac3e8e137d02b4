import { isMapTask } from '../../../base/task.js';
import { useLocation, useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { bytes } from '../../../base/number-text.js';
import type { FileAddress, ReportMember, RunId, TrialAnswer } from '../../../reports/page/api.js';
import { useRun } from '../../data/hooks.js';
import { EnqueueCard } from '../../components/actions.js';
import { Alert, CommandLine, Decisions } from '../../components/elements.js';
import { NetworkDrawing, NetworkParts } from '../../components/network.js';
import { NoteCard } from '../../components/note-card.js';
import { ClassesWithImages } from '../../components/seen-images.js';
import { ClassesWithMistakes } from '../../components/wrong-images.js';
import { Table } from '../../components/table.js';
import { save, urlOf } from '../../data/files.js';
import { precisions } from '../../data/measures.js';
import { useAnswer } from '../../data/use-answer.js';
import { Course, Neighbours, PrecisionLinks, Standing, TrialLog, TrialWorkers } from './course.js';
import { Latencies, TrialCurves } from './measurements.js';
import { TrialValues, variantsOf, Verdicts } from './values.js';

/** Seconds until a trial is refreshed: one that is evaluated, and one of a run that may still train or measure it. */
const ages = { trial: 3, run: 20 };

const fileAddress = (run: RunId, path: string): FileAddress =>
  `/files/${[run, ...path.split('/')].map(encodeURIComponent).join('/')}`;

function TrialFiles({ trial }: { readonly trial: ReportMember }) {
  const { live } = useRun();
  const [problem, setProblem] = useState<string | null>(null);
  const download = (path: string): void => {
    setProblem(null);
    urlOf(fileAddress(live.id, path)).then(
      (url) => save(path.slice(path.lastIndexOf('/') + 1), url),
      (error: unknown) => setProblem(`${path} cannot be loaded: ${String(error)}`),
    );
  };
  const all = [...trial.files, ...variantsOf(trial).flatMap(({ kept }) => kept?.files ?? [])];
  const files = [...new Map(all.map((file) => [file.path, file])).values()];
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
              <a
                href={fileAddress(live.id, path)}
                download
                onClick={(event) => {
                  event.preventDefault();
                  download(path);
                }}
              >
                {path}
              </a>
            ),
          },
          { title: 'kind', cell: ({ kind }) => kind },
          { title: 'size', numeric: true, cell: ({ bytes: size }) => bytes(size) },
          { title: 'SHA-256', cell: ({ sha256 }) => <code>{sha256.slice(0, 12)}…</code> },
        ]}
      />
      <Alert text={problem} />
    </>
  );
}

function Commands({ commands }: Pick<TrialAnswer, 'commands'>) {
  if (commands.length === 0) return null;
  return (
    <>
      <h3>Commands</h3>
      {commands.map(({ title, line }) => (
        <div key={line} class="command">
          <span>{title}</span>
          <CommandLine line={line} label={title} />
        </div>
      ))}
    </>
  );
}

function Network({ trial: { parts, choices } }: Pick<TrialAnswer, 'trial'>) {
  return (
    <section>
      <h3>Network</h3>
      {parts === null ? (
        <p>The results come from a table, which has no networks.</p>
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

/** Results by class, and the images that the network answers worst. */
function Results({ trial: { classes, number, precision } }: Pick<TrialAnswer, 'trial'>) {
  if (classes === undefined) return null;
  const Shown = isMapTask(classes.task) ? ClassesWithImages : ClassesWithMistakes;
  return (
    <section>
      <Shown report={classes} trial={number} precision={precision ?? 'fp32'} />
    </section>
  );
}

function Trial({ answer }: { readonly answer: TrialAnswer }) {
  const { info } = useRun();
  const { trial, measurements, log, commands } = answer;
  return (
    <>
      <section>
        <Standing answer={answer} />
        <PrecisionLinks trial={trial} />
        <TrialValues task={info.run.task} trial={trial} objectives={info.objectives} measures={info.measures} />
        <Verdicts trial={trial} />
        <h3>Course</h3>
        <Course answer={answer} />
        <TrialWorkers assignments={answer.assignments} />
      </section>
      <NoteCard trial={trial.number} />
      <Network trial={trial} />
      <Results trial={trial} />
      <TrialCurves trial={trial} />
      <Latencies measurements={measurements} />
      {(commands.length > 0 || trial.files.length > 0) && (
        <section>
          <TrialFiles trial={trial} />
          <Commands commands={commands} />
        </section>
      )}
      <EnqueueCard title="Enqueue a variation of it" choices={trial.choices} />
      <TrialLog log={log} />
    </>
  );
}

export default function TrialPage() {
  const { live, info } = useRun();
  const { params } = useRoute();
  const { query } = useLocation();
  const number = Number(params['trial']);
  const valid = /^\d{1,15}$/.test(params['trial'] ?? '');
  const precision = precisions.find((each) => each === query['precision']);
  const { status } = info.run;
  const { answer, problem } = useAnswer(
    valid
      ? {
          address: '/api/runs/:run/trials/:trial',
          parameters: { run: live.id, trial: number },
          query: precision === undefined ? {} : { precision },
        }
      : null,
    ({ trial: { state } }) => {
      if (state === 'waiting' || state === 'running') return ages.trial;
      return status === 'running' ? ages.run : null;
    },
    status,
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
