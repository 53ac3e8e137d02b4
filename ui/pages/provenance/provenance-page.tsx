import type { ComponentChildren } from 'preact';
import type { RunAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { CopyButton } from '../../components/copy-button.js';
import { Facts, type Fact } from '../../components/facts.js';
import { RunLog } from '../../components/run-log.js';
import { Time } from '../../components/time.js';
import { runAddress } from '../../data/addresses.js';
import { YamlSides } from './yaml-sides.js';

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
