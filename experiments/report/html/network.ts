import type { CurvePoint, NetworkMember, NetworkPart, ReportMember } from '../data.js';
import { bytes, count, epochsText, ms, percent } from '../format.js';
import { html, type Markup } from './markup.js';
import { facts, table, type Column } from './table.js';

const columns: readonly Column<NetworkPart>[] = [
  { title: 'part', cell: ({ name }) => name },
  { title: 'operation', cell: ({ operation }) => operation },
  {
    title: 'output',
    numeric: true,
    cell: ({ name, output }) => (name === 'head' ? `${output.join()} logits` : output.join(' x ')),
  },
  { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
  { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
];

const last = (points: readonly CurvePoint[]): string => {
  const end = points.at(-1);
  return end === undefined ? '-' : `${percent(end.validationAccuracy)} after ${epochsText(points.length)}`;
};

/** What became of each precision, and why. */
const verdictFacts = ({ variants = [] }: ReportMember): (readonly [string, string])[] =>
  variants.map(({ precision, verdict }) => [precision, verdict]);

function latencyFacts({ latency, predicted }: ReportMember): (readonly [string, string])[] {
  const measured: (readonly [string, string])[] =
    latency === null
      ? []
      : [
          [
            'measured latency',
            `${ms(latency.ms)} (95 % interval ${ms(latency.interval[0])} to ${ms(latency.interval[1])})`,
          ],
          ['percentiles', `p50 ${ms(latency.p50)}, p95 ${ms(latency.p95)}, p99 ${ms(latency.p99)}`],
          ...(latency.converged
            ? []
            : [['caution', 'the interval did not become as tight as the protocol asks'] as const]),
        ];
  const guess: (readonly [string, string])[] =
    predicted === null
      ? []
      : [['predicted latency', `${ms(predicted.ms)} ± ${ms(predicted.std)}, ${percent(predicted.coverage)} covered`]];
  return [...measured, ...guess];
}

/** The card of a network: of a trial, or of a trial in one precision. */
export const cardId = ({ number, precision }: Pick<ReportMember, 'number' | 'precision'>): string =>
  `trial-${number}${precision ? `-${precision}` : ''}`;

/** Everything about one network of the frontier, folded until it is asked for. */
export function networkCard(member: NetworkMember): Markup {
  const { number, precision, costs: cost, choices, files, curves, final, network } = member;
  const summary = `${count(cost.macs)} MACs, ${count(cost.params)} parameters, ${network.input.join(' x ')} input`;
  return html`<details class="card" id="${cardId(member)}">
    <summary>Trial ${number}${precision === undefined ? null : `, ${precision ?? '-'}`}<span>${summary}</span></summary>
    ${facts([
      ['why it was tried', member.reason],
      ...verdictFacts(member),
      ...latencyFacts(member),
      ['search', last(curves.search)],
      ['final training', final?.message ?? last(curves.final)],
      ['activation memory', bytes(cost.activationBytes)],
      ['weights', bytes(cost.sizeBytes)],
      ['genotype', member.genotypeId],
      ...files.map(
        ({ kind, path, sha256 }) =>
          [kind, html`<a href="${path}">${path}</a> (SHA-256 ${sha256.slice(0, 16)}…)`] as const,
      ),
    ])}
    <h3>Architecture</h3>
    ${table(columns, member.parts)}
    <h3>Decisions</h3>
    ${facts(Object.entries(choices).map(([name, choice]) => [name, String(choice)] as const))}
  </details> `;
}
