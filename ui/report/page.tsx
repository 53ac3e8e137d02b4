import type { VNode } from 'preact';
import { render } from 'preact-render-to-string';
import type { ReportData, ReportPictures } from '../../reports/page/api.js';
import { LatencyWarning } from '../components/latency-warning.js';
import { Card, Facts } from '../components/elements.js';
import { hasNetwork } from '../components/network.js';
import { NoteText } from '../components/notes.js';
import { cssTheme, reportStyle } from '../report-style.js';
import { Drawn, renderCurves, renderFrontier, renderSupernet } from './pictures.js';
import { FrontierNotes, FrontierTable, ReportTiles } from './frontier-section.js';
import { GivenUp, LatencySection, PrecisionsSection } from './sections.js';
import { NetworkCard, RowCard } from './network-card.js';

interface ReportProps {
  readonly data: ReportData;
}

interface PicturedProps extends ReportProps {
  readonly pictures: ReportPictures;
}

function FrontierSection({ data }: ReportProps) {
  return (
    <section>
      <h2>Pareto frontier</h2>
      {data.frontier.length === 0 ? (
        <p>No trial is complete yet.</p>
      ) : (
        <>
          <Drawn svg={renderFrontier(data, cssTheme)} />
          <FrontierTable data={data} />
          <FrontierNotes data={data} />
        </>
      )}
    </section>
  );
}

function CurvesSection({ data: { run, frontier } }: ReportProps) {
  if (!frontier.some(({ curves: { search, final } }) => search.length + final.length > 0)) return null;
  return (
    <section>
      <h2>Learning curves</h2>
      <Drawn svg={renderCurves(run.task, frontier, 'score', cssTheme)} />
      <Drawn svg={renderCurves(run.task, frontier, 'loss', cssTheme)} />
    </section>
  );
}

function SupernetSection({ data: { run, supernet } }: ReportProps) {
  if (supernet === null) return null;
  const { from, settings, curve } = supernet;
  return (
    <section>
      <h2>Supernet</h2>
      {curve.length > 0 && <Drawn svg={renderSupernet(run.task, curve, cssTheme)} />}
      <p class="note">
        {from === null
          ? 'Weights shared by all networks of the space, trained before the search.'
          : `Shared weights, trained by the run in ${from}.`}
      </p>
      {from === null && <Facts entries={Object.entries(settings)} />}
    </section>
  );
}

function Networks({ data: { run, frontier, measures }, pictures }: PicturedProps) {
  if (frontier.length === 0) return null;
  return (
    <>
      <section>
        <h2>Networks</h2>
        <p class="note">
          Open a network to see its {run.evaluation === 'table' ? 'decisions' : 'layers, decisions, latency and files'}.
        </p>
      </section>
      {frontier.map((member, i) =>
        hasNetwork(member) ? (
          <NetworkCard key={i} task={run.task} member={member} pictures={pictures.at(i) ?? []} />
        ) : (
          <RowCard key={i} member={member} measures={measures} />
        ),
      )}
    </>
  );
}

function ProvenanceSection({ data: { provenance, environment, source, settings } }: ReportProps) {
  return (
    <>
      <section>
        <h2>Provenance</h2>
        <Facts entries={Object.entries(provenance)} />
        <h3>Environment</h3>
        <Facts entries={Object.entries(environment)} />
      </section>
      <Card title="Experiment as written">
        <pre tabIndex={0}>{source}</pre>
      </Card>
      <Card title="Experiment with every default">
        <pre tabIndex={0}>{settings}</pre>
      </Card>
    </>
  );
}

const day = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

function Report({ data, pictures }: PicturedProps) {
  const { run, precisions, prediction } = data;
  return (
    <main>
      <header>
        <h1>{run.name}</h1>
        <p>
          Neural architecture search{run.evaluation === 'table' && ' on a table'}, {run.status}
          {run.message !== null && ` (${run.message})`}; seed {run.seed}; {day(run.startedAt)} to {day(run.updatedAt)}{' '}
          UTC; nas {run.version}
        </p>
        <NoteText of={run} />
      </header>
      <LatencyWarning warning={data.latencies} />
      <ReportTiles data={data} />
      <FrontierSection data={data} />
      <PrecisionsSection run={run} precisions={precisions} />
      {prediction !== null && <LatencySection report={prediction} />}
      <CurvesSection data={data} />
      <SupernetSection data={data} />
      <Networks data={data} pictures={pictures} />
      <GivenUp data={data} />
      <ProvenanceSection data={data} />
    </main>
  );
}

/** Forbids loading and scripts, in case some text became markup. */
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** One HTML page without scripts, fonts or other files. */
export function pageWithoutScripts(title: string, style: string, content: VNode): string {
  const head = render(
    <>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content={policy} />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{title}</title>
    </>,
  );
  return `<!doctype html>\n<html lang="en">\n<head>${head}<style>\n${style}\n</style></head>\n<body>${render(content)}</body>\n</html>\n`;
}

/** The report of a run as one HTML page. @param pictures of the frontier's networks, for detectors */
export const renderPage = (data: ReportData, pictures: ReportPictures = []): string =>
  pageWithoutScripts(
    `${data.run.name}: architecture search report`,
    reportStyle(),
    <Report data={data} pictures={pictures} />,
  );

/** The files of a finished run by name: `report.html`, and `frontier.svg` if there is a frontier. */
export function reportFiles(data: ReportData, pictures: ReportPictures = []): Readonly<Record<string, string>> {
  return {
    ...(data.frontier.length > 0 && { 'frontier.svg': renderFrontier(data) }),
    'report.html': renderPage(data, pictures),
  };
}
