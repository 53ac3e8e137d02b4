import { useMemo, useState } from 'preact/hooks';
import { CopyButton, type Fact, Facts, Time } from '../../components/elements.js';
import { alignLines, type LineRow } from '../../data/line-diff.js';
import type { ComponentChildren } from 'preact';
import type { RunAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { RunLog } from '../../components/run-status.js';
import { runAddress } from '../../data/addresses.js';

interface Props {
  /** As it was written, and with everything that was left to defaults. */
  readonly source: string;
  readonly settings: string;
}

/** Whether a line is empty or a comment, which the experiment with its defaults cannot have. */
const saysNothing = (line: string | null): boolean => /^\s*(#|$)/.test(line ?? '');

/** What a row says of the two texts: a sign for the eye, a word for the ear. */
function kindOf({ cells: [written, filled], same }: LineRow): { readonly sign: string; readonly text: string } {
  if (same || (filled === null && saysNothing(written))) return { sign: '', text: '' };
  if (written === null) return { sign: '+', text: 'a default' };
  if (filled === null) return { sign: '−', text: 'as written only' };
  return { sign: '≠', text: 'written otherwise' };
}

/** The experiment as it was written beside the same with every default. */
export function YamlSides({ source, settings }: Props) {
  const [all, setAll] = useState(true);
  const rows = useMemo(() => alignLines([source, settings]), [source, settings]);
  const shown = all ? rows : rows.filter((row) => kindOf(row).sign !== '');
  return (
    <section class="wide">
      <div class="head">
        <h3>Experiment</h3>
        <label>
          <input type="checkbox" checked={!all} onChange={({ currentTarget: { checked } }) => setAll(!checked)} /> only
          what differs
        </label>
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
              const { sign, text } = kindOf(row);
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
      <p class="note">
        + a default, − only as written (a short form), ≠ the same setting in other words or with more said.
      </p>
    </section>
  );
}

const evaluations = { training: 'by training', table: 'from a table of results' } as const;

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
    ['candidates get their values', evaluations[evaluation]],
    ['trials planned', planned.toLocaleString('en-US')],
    ['seed', seed],
    ['threads', threads],
    ['nas', version],
  ];
}

function originFacts({ provenance: { data, teacher, supernet, loss, search, workers } }: RunAnswer): readonly Fact[] {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['data', data],
    ['teacher', teacher],
    ['supernet', supernet],
    ['loss', loss],
    ['search', search],
    ['workers', workers],
  ];
  return facts.flatMap(([name, text]): Fact[] => (text === undefined ? [] : [[name, text]]));
}

function Facet({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Where the results come from: what is needed to trust them, and to make them again. */
export default function ProvenancePage() {
  const { live, info } = useRun();
  const base = runAddress(live.id);
  const warnings = info.log.filter(({ kind }) => kind === 'warning');
  return (
    <>
      <h2 class="page-title">Provenance</h2>
      <div class="cards">
        <Facet title="Run">
          <Facts entries={runFacts(info)} />
        </Facet>
        <Facet title="What it searches with">
          <Facts entries={originFacts(info)} />
        </Facet>
        <Facet title="Environment">
          <Facts entries={Object.entries(info.environment)} />
        </Facet>
        <Facet title={warnings.length === 0 ? 'Warnings' : `Warnings: ${warnings.length}`}>
          {warnings.length === 0 ? <p class="empty">None.</p> : <RunLog base={base} log={warnings} />}
        </Facet>
        <YamlSides source={info.source} settings={info.settings} />
        <section class="wide">
          <details>
            <summary>Log: the latest {info.log.length} entries</summary>
            <RunLog base={base} log={info.log} />
          </details>
        </section>
      </div>
    </>
  );
}
