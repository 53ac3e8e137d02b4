import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { RunAnswer } from '../../../reports/page/api.js';
import { useRun } from '../../data/hooks.js';
import { Checkbox, CopyButton, Facts, Time, type Fact } from '../../components/elements.js';
import { LatencyWarning } from '../../components/latency-warning.js';
import { RunLog } from '../../components/run-status.js';
import { alignLines, type LineRow } from '../../data/line-diff.js';
import { evaluationTexts } from '../../data/measures.js';

function runFacts({ workdir, run }: RunAnswer): readonly Fact[] {
  const { name, seed, evaluation, startedAt, updatedAt, version, threads, planned } = run;
  return [
    ['name', name],
    [
      'workdir',
      <>
        <code>{workdir}</code> <CopyButton text={workdir} label="the workdir" />
      </>,
    ],
    ['started', <Time at={Date.parse(startedAt)} />],
    ['last change', <Time at={Date.parse(updatedAt)} />],
    ['evaluation', evaluationTexts[evaluation]],
    ['trials planned', planned.toLocaleString('en-US')],
    ['seed', seed],
    ['threads', threads],
    ['nas', version],
  ];
}

function searchFacts({ provenance }: RunAnswer): readonly Fact[] {
  const names = ['results', 'data', 'teacher', 'supernet', 'loss', 'search', 'workers'] as const;
  return names.flatMap((name): Fact[] => {
    const text = provenance[name];
    return text === undefined ? [] : [[name, text]];
  });
}

/** Whether a line is empty or a comment; the completed experiment has none. */
const isComment = (line: string | null): boolean => /^\s*(#|$)/.test(line ?? '');

/** The difference in a row, as a sign and as a word for screen readers. */
function differenceOf({ cells: [written, complete], same }: LineRow): { readonly sign: string; readonly text: string } {
  if (same || (complete === null && isComment(written))) return { sign: '', text: '' };
  if (written === null) return { sign: '+', text: 'a default' };
  if (complete === null) return { sign: '−', text: 'only as written' };
  return { sign: '≠', text: 'written differently' };
}

/** The experiment as written, next to the same with every default. */
function Experiment({ source, settings }: Pick<RunAnswer, 'source' | 'settings'>) {
  const [onlyDifferences, setOnlyDifferences] = useState(false);
  const rows = useMemo(() => alignLines([source, settings]), [source, settings]);
  const shown = onlyDifferences ? rows.filter((row) => differenceOf(row).sign !== '') : rows;
  return (
    <section class="wide">
      <div class="head">
        <h3>Experiment</h3>
        <Checkbox label="only differences" checked={onlyDifferences} onChange={setOnlyDifferences} />
      </div>
      <div class="scroll" role="region" aria-label="Experiment as YAML" tabIndex={0}>
        <table class="yaml">
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">difference</span>
              </th>
              <th scope="col">
                as written <CopyButton text={source} label="the experiment as written" />
              </th>
              <th scope="col">
                with every default <CopyButton text={settings} label="the experiment with every default" />
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row, i) => {
              const { sign, text } = differenceOf(row);
              return (
                <tr key={i} class={sign === '' ? undefined : 'differs'}>
                  <td>
                    <span aria-hidden="true">{sign}</span>
                    <span class="visually-hidden">{text}</span>
                  </td>
                  {row.cells.map((line, side) => (
                    <td key={side}>
                      <code>{line}</code>
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="note">+ is a default, − is only as written (a short form), ≠ is the same setting in another form.</p>
    </section>
  );
}

const Facet = ({ title, children }: { readonly title: string; readonly children: ComponentChildren }) => (
  <section>
    <h3>{title}</h3>
    {children}
  </section>
);

/** The origin of the results: everything that is needed to trust and to reproduce them. */
export default function ProvenancePage() {
  const { info } = useRun();
  const warnings = info.log.filter(({ kind }) => kind === 'warning');
  return (
    <>
      <h2 class="page-title">Provenance</h2>
      <div class="cards">
        <Facet title="Run">
          <Facts entries={runFacts(info)} />
        </Facet>
        <Facet title="Search">
          <Facts entries={searchFacts(info)} />
        </Facet>
        <Facet title="Environment">
          <Facts entries={Object.entries(info.environment)} />
        </Facet>
        <Facet title={warnings.length === 0 ? 'Warnings' : `Warnings: ${warnings.length}`}>
          <LatencyWarning warning={info.latencies} />
          {warnings.length > 0 && <RunLog log={warnings} />}
          {warnings.length === 0 && info.latencies === null && <p class="empty">None.</p>}
        </Facet>
        <Experiment source={info.source} settings={info.settings} />
        <section class="wide">
          <details>
            <summary>Log: the latest {info.log.length} entries</summary>
            <RunLog log={info.log} />
          </details>
        </section>
      </div>
    </>
  );
}
