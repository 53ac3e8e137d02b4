import { accuracyAmong, accuracyOf, isAccuracy, measureNamed, type Evaluation } from '../../measures.js';
import { renderCurves, renderSupernet } from '../charts/curves.js';
import { renderFrontier } from '../charts/frontier.js';
import { hasNetwork, type ReportData, type ReportMember } from '../data.js';
import { count, duration, finalTitle, objectiveTitle, objectiveValue, searchTitle, testTitle } from '../format.js';
import { givenUp } from './given-up.js';
import { latencyModel } from './latency-model.js';
import { html, trusted, type Markup } from './markup.js';
import { cardId, networkCard } from './network.js';
import { precisionsSection } from './precisions.js';
import { rowCard } from './row.js';
import { shrunkNetworks } from './shrunk.js';
import { style } from './style.js';
import { facts, table, type Column } from './table.js';

const tile = (value: string, label: string): Markup =>
  html`<div class="tile"><b>${value}</b><span>${label}</span></div>`;

const seconds = ({ run: { startedAt, updatedAt } }: ReportData): number =>
  (Date.parse(updatedAt) - Date.parse(startedAt)) / 1000;

const best = (values: readonly (number | null | undefined)[]): string => {
  const known = values.filter((value) => value !== null && value !== undefined);
  return objectiveValue('accuracy', known.length === 0 ? null : Math.max(...known));
};

/** The best value of the first objective in a table. */
function bestOfFirst({ objectives: [{ name, direction }], frontier }: ReportData): Markup {
  const values = frontier.map((member) => member.values[name]);
  const top = direction === 'maximize' ? Math.max(...values) : Math.min(...values);
  return tile(objectiveValue(name, values.length === 0 ? null : top), `best ${objectiveTitle(name)}`);
}

/** Which accuracy the search went by. */
const searchedAccuracy = ({ objectives }: ReportData): string => {
  const name = objectives.map((objective) => objective.name).find(isAccuracy) ?? 'accuracy';
  return name === 'accuracy' ? 'validation accuracy' : objectiveTitle(name);
};

/** Whether the frontier's networks were trained again; without, they have at most a test accuracy. */
const hasFinalTraining = ({ frontier }: ReportData): boolean => frontier.some(({ final }) => (final?.epochs ?? 0) > 0);

function tiles(data: ReportData): Markup {
  const { counts, planned, rejected, evaluation } = data.run;
  const { frontier } = data;
  const trains = evaluation === 'training';
  const sliced = data.objectives.some(({ name }) => name === accuracyOf('supernet'));
  const states = ['pruned', 'failed', 'running', 'waiting'] as const;
  const others = states.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  return html`<div class="tiles">
    ${tile(`${counts.complete} / ${planned}`, [`trials ${trains && !sliced ? 'trained' : 'evaluated'}`, ...others].join(', '))}
    ${tile(String(frontier.length), `networks on the frontier${data.precisions === undefined ? '' : ', in their precisions'}`)}
    ${trains ? tile(best(frontier.map(({ values }) => accuracyAmong(values))), `best ${searchedAccuracy(data)} in the search`) : bestOfFirst(data)}
    ${hasFinalTraining(data) ? tile(best(frontier.map(({ final }) => final?.accuracy)), 'best validation accuracy after final training') : null}
    ${rejected > 0 ? tile(count(rejected), `candidates rejected before ${trains ? 'training' : 'evaluation'}`) : null}
    ${tile(duration(seconds(data)), trains ? 'from start to last change' : 'of simulated time')}
  </div>`;
}

const tag = (kind: string): Markup => html`<span class="tag ${kind}">${kind}</span>`;

/** Objectives as they were in the search; final accuracies in columns of their own. */
function frontierColumns(data: ReportData): Column<ReportMember>[] {
  const trains = data.run.evaluation === 'training';
  const objectives = data.objectives.map(({ name }): Column<ReportMember> => ({
    title: trains ? searchTitle(name) : objectiveTitle(name),
    numeric: true,
    cell: ({ values, provenance }) =>
      trains && name === 'latency_ms'
        ? html`${objectiveValue(name, values[name])} ${tag(provenance[name] ?? 'computed')}`
        : objectiveValue(name, values[name]),
  }));
  const share = (value: number | null | undefined): string => objectiveValue('accuracy', value);
  const finals = data.frontier.flatMap(({ final }) => final ?? []);
  const final: Column<ReportMember> = {
    title: finalTitle(finals),
    numeric: true,
    cell: (member) => (member.final?.state === 'failed' ? tag('failed') : share(member.final?.accuracy)),
  };
  const ranked: Column<ReportMember> = {
    title: 'final frontier',
    cell: ({ final: result }) => {
      const onFrontier = result?.onFrontier ?? null;
      return onFrontier === null ? '-' : onFrontier ? 'yes' : 'no';
    },
  };
  const test: Column<ReportMember> = {
    title: testTitle(data.objectives, finals),
    numeric: true,
    cell: (member) => share(member.final?.testAccuracy),
  };
  const named = new Set(data.objectives.map(({ name }) => name));
  const costs: readonly (Column<ReportMember> & { readonly objective: string })[] = [
    { objective: 'macs', title: 'MACs', numeric: true, cell: ({ costs: cost }) => countOf(cost?.macs) },
    { objective: 'params', title: 'parameters', numeric: true, cell: ({ costs: cost }) => countOf(cost?.params) },
  ];
  return [
    {
      title: 'trial',
      cell: ({ number, precision, enqueued }) =>
        html`<a href="#${cardId({ number, ...(precision && { precision }) })}">#${number}</a
          >${enqueued === null ? null : html` <span class="tag">${enqueued}</span>`}`,
    },
    ...(data.precisions === undefined
      ? []
      : [{ title: 'precision', cell: ({ precision }: ReportMember) => precision ?? '-' }]),
    ...objectives,
    ...(hasFinalTraining(data) ? [final, ranked] : []),
    ...(data.frontier.some((member) => member.final !== null) ? [test] : []),
    ...costs.filter(({ objective }) => data.frontier.some(hasNetwork) && !named.has(objective)),
  ];
}

const countOf = (value: number | undefined): string => (value === undefined ? '-' : count(value));

/** What the accuracy is that steered the search. */
const searchNotes: { readonly [E in Evaluation]: string } = {
  train: "Search accuracy: validation split, on the search's short schedule",
  inherit: "Inherited accuracy: validation split, after the search's short training from a slice of the supernet",
  supernet:
    'Supernet accuracy: validation split, of the slice as it is, its batch norm calibrated; nothing was trained',
};

function frontierNotes(data: ReportData): Markup {
  if (data.run.evaluation === 'table') return html`<p class="note">All values come from ${data.provenance.data}.</p>`;
  const searched = data.objectives.map(({ name }) => name).find(isAccuracy);
  const source = measureNamed(searched ?? 'accuracy')?.source;
  return html`<p class="note">
    ${searched === undefined || source?.kind !== 'training' ? null : `${searchNotes[source.evaluation]}; it decided who is on the frontier.`}${
      hasFinalTraining(data)
        ? ' Final and test accuracy: after the full training; the test split was never seen by the search. Final frontier: whether no other network is as fast and more accurate once all were fully trained.'
        : ''
    }
  </p>`;
}

async function curves({ frontier }: ReportData): Promise<Markup | null> {
  if (!frontier.some(({ curves: { search, final } }) => search.length + final.length > 0)) return null;
  return html`<section>
    <h2>Learning curves</h2>
    ${trusted(await renderCurves(frontier))}
  </section>`;
}

async function supernet({ supernet: shared }: ReportData): Promise<Markup | null> {
  if (shared === null) return null;
  const { from, settings, curve } = shared;
  return html`<section>
    <h2>Supernet</h2>
    ${curve.length === 0 ? null : trusted(await renderSupernet(curve))}
    <p class="note">
      ${from === null ? 'Weights that all networks of the space share, trained before the search.' : `Shared weights that the run in ${from} trained.`}
    </p>
    ${from === null ? facts(Object.entries(settings)) : null}
  </section>`;
}

const day = (iso: string): string => iso.slice(0, 16).replace('T', ' ');

/** The whole report as one HTML page that needs nothing else: no scripts, no fonts, no other file. */
export async function renderPage(data: ReportData): Promise<string> {
  const { run, frontier } = data;
  const sections = frontier.length > 0;
  const [picture, predicted, learning, shared] = await Promise.all([
    sections ? renderFrontier(data) : Promise.resolve(''),
    latencyModel(data),
    curves(data),
    supernet(data),
  ]);
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${run.name}: architecture search report</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${run.name}</h1>
            <p>
              Neural architecture search${run.evaluation === 'table' ? ' on a table' : ''},
              ${run.status}${run.message === null ? '' : ` (${run.message})`}; seed ${run.seed}; ${day(run.startedAt)}
              to ${day(run.updatedAt)} UTC; nas ${run.version}
            </p>
          </header>
          ${tiles(data)}
          ${
            sections
              ? html`<section>
                  <h2>Pareto frontier</h2>
                  ${trusted(picture)} ${table(frontierColumns(data), frontier)}${frontierNotes(data)}
                </section>`
              : html`<section>
                  <h2>Pareto frontier</h2>
                  <p>No trial is complete yet.</p>
                </section>`
          }
          ${precisionsSection(data)}${shrunkNetworks(data)} ${predicted} ${learning} ${shared}
          ${
            sections
              ? html`<section>
                  <h2>Networks</h2>
                  <p class="note">
                    Open a network to see its
                    ${run.evaluation === 'table' ? 'decisions' : 'layers, decisions, latency and files'}.
                  </p>
                </section>`
              : null
          }
          ${frontier.map((member) => (hasNetwork(member) ? networkCard(member) : rowCard(member)))} ${givenUp(data)}
          <section>
            <h2>Provenance</h2>
            ${facts(Object.entries(data.provenance))}
            <h3>Environment</h3>
            ${facts(Object.entries(data.environment))}
          </section>
          <details class="card">
            <summary>Experiment as written</summary>
            <pre>${data.source}</pre>
          </details>
          <details class="card">
            <summary>Experiment with every default</summary>
            <pre>${data.settings}</pre>
          </details>
        </main>
      </body>
    </html> `;
  return page.text;
}
