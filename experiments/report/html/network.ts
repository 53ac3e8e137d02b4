import {
  cellNotation,
  costs,
  expandedWidth,
  layersOf,
  type Block,
  type FusedMBConv,
  type LayerCost,
  type MBConv,
  type Network,
  type Shape,
} from '../../../spaces/index.js';
import type { CurvePoint, NetworkMember, ReportMember } from '../data.js';
import { bytes, count, epochsText, ms, percent } from '../format.js';
import { verdictText } from '../precisions.js';
import { html, type Markup } from './markup.js';
import { facts, table, type Column } from './table.js';

interface Row {
  readonly name: string;
  readonly operation: string;
  readonly output: string;
  readonly macs: number;
  readonly params: number;
}

const strided = (stride: number): string => (stride === 1 ? '' : `, stride ${stride}`);

function invertedResidual(block: MBConv | FusedMBConv, channels: number): string {
  const name = block.kind === 'mbconv' ? 'inverted residual' : 'fused inverted residual';
  const expansion = block.expand === 1 ? '' : `, expanded to ${expandedWidth(channels, block.expand)}`;
  const groups = block.kind === 'mbconv' && (block.groups ?? 1) > 1 ? `, ${block.groups} groups` : '';
  const squeeze = block.se > 0 ? ', squeeze-excite' : '';
  const window = `${block.kernel} x ${block.kernel}${strided(block.stride)}`;
  return `${name}, ${window}${expansion}${groups}${squeeze}, ${block.act}`;
}

/** What a block does to a map of so many channels, in the field's shorthand. */
function operationOf(block: Block, channels: number): string {
  switch (block.kind) {
    case 'mbconv':
    case 'fused_mbconv':
      return invertedResidual(block, channels);
    case 'basic':
      return `basic block, ${block.kernel} x ${block.kernel}${strided(block.stride)}${block.hidden === undefined ? '' : `, ${block.hidden} hidden`}, ${block.act}`;
    case 'conv':
      return `convolution, ${block.kernel} x ${block.kernel}${strided(block.stride)}, ${block.act}`;
    case 'cell':
      return `cell ${cellNotation(block.cell)}`;
    case 'reduction':
      return 'residual block, 3 x 3, stride 2, relu';
  }
}

/** One row for the stem, each block and the head; the costs of the layers whose names begin with the part's name. */
function rowsOf(network: Network): Row[] {
  const { stem, blocks, head, classes } = network;
  const layers = layersOf(network);
  const layerCosts = costs(network).layers;
  const isOf = (part: string, name: string): boolean => name === part || name.startsWith(`${part}_`);
  const sum = (part: string, of: (layer: LayerCost) => number): number =>
    layerCosts.filter(({ name }) => isOf(part, name)).reduce((a, layer) => a + of(layer), 0);
  const row = (name: string, operation: string, output: string): Row => ({
    name,
    operation,
    output,
    macs: sum(name, ({ macs }) => macs),
    params: sum(name, ({ params }) => params),
  });
  let shape: Shape = network.input;
  const mapRow = (name: string, operation: string): Row => {
    shape = layers.findLast((layer) => isOf(name, layer.name))?.output ?? shape;
    return row(name, operation, shape.join(' x '));
  };
  const act = stem.act === null ? '' : `, ${stem.act}`;
  const rows = [mapRow('stem', `convolution ${stem.kernel} x ${stem.kernel}${strided(stem.stride)}${act}`)];
  for (const [i, block] of blocks.entries()) rows.push(mapRow(`block${i + 1}`, operationOf(block, shape[2])));
  const convolution = head.filters > 0 ? `convolution 1 x 1 to ${head.filters}, ${head.act}, ` : '';
  const norm = head.filters === 0 && head.norm === true ? `batch norm, ${head.act}, ` : '';
  const hidden = head.hidden === undefined ? '' : `dense ${head.hidden}, ${head.act}, `;
  const dropout = head.dropout > 0 ? `dropout ${head.dropout}, ` : '';
  const operation = `${convolution}${norm}average pooling, ${hidden}${dropout}dense`;
  return [...rows, row('head', operation, `${classes} logits`)];
}

const columns: readonly Column<Row>[] = [
  { title: 'part', cell: ({ name }) => name },
  { title: 'operation', cell: ({ operation }) => operation },
  { title: 'output', numeric: true, cell: ({ output }) => output },
  { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
  { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
];

const last = (points: readonly CurvePoint[]): string => {
  const end = points.at(-1);
  return end === undefined ? '-' : `${percent(end.validationAccuracy)} after ${epochsText(points.length)}`;
};

/** What became of each precision, and why. */
const verdictFacts = ({ variants = [], ...member }: ReportMember): (readonly [string, string])[] =>
  variants.map((variant) => [variant.precision, verdictText(variant, member.precision)]);

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
    ${table(columns, rowsOf(network))}
    <h3>Decisions</h3>
    ${facts(Object.entries(choices).map(([name, choice]) => [name, String(choice)] as const))}
  </details> `;
}
