import { costs, expandedWidth, type Block, type LayerCost, type Network } from '../../../spaces/index.js';
import type { CurvePoint, NetworkMember, ReportMember } from '../data.js';
import { bytes, count, ms, percent } from '../format.js';
import { html, type Markup } from './markup.js';
import { facts, table, type Column } from './table.js';

interface Row {
  readonly name: string;
  readonly operation: string;
  readonly output: string;
  readonly macs: number;
  readonly params: number;
}

/** What a block does, in the field's shorthand. */
function operationOf(block: Block, channels: number): string {
  const kernel = `${block.kernel} x ${block.kernel}`;
  const stride = block.stride === 1 ? '' : `, stride ${block.stride}`;
  if (block.kind === 'basic') return `basic block, ${kernel}${stride}, ${block.act}`;
  const name = block.kind === 'mbconv' ? 'inverted residual' : 'fused inverted residual';
  const expansion = block.expand === 1 ? '' : `, expanded to ${expandedWidth(channels, block.expand)}`;
  const squeeze = block.se > 0 ? ', squeeze-excite' : '';
  return `${name}, ${kernel}${stride}${expansion}${squeeze}, ${block.act}`;
}

/** One row for the stem, each block and the head; the costs of the layers whose names begin with the part's name. */
function rowsOf(network: Network): Row[] {
  const { layers } = costs(network);
  const sum = (prefix: string, of: (layer: LayerCost) => number): number =>
    layers
      .filter(({ name }) => name === prefix || name.startsWith(`${prefix}_`))
      .reduce((a, layer) => a + of(layer), 0);
  const row = (name: string, operation: string, output: string): Row => ({
    name,
    operation,
    output,
    macs: sum(name, ({ macs }) => macs),
    params: sum(name, ({ params }) => params),
  });
  const { input, stem, blocks, head, classes } = network;
  let map = [Math.ceil(input[0] / stem.stride), Math.ceil(input[1] / stem.stride)];
  let channels = stem.filters;
  const shape = (): string => `${map.join(' x ')} x ${channels}`;
  const stride = stem.stride === 1 ? '' : `, stride ${stem.stride}`;
  const rows = [row('stem', `convolution ${stem.kernel} x ${stem.kernel}${stride}, ${stem.act}`, shape())];
  for (const [i, block] of blocks.entries()) {
    const operation = operationOf(block, channels);
    map = map.map((side) => Math.ceil(side / block.stride));
    channels = block.filters;
    rows.push(row(`block${i + 1}`, operation, shape()));
  }
  const convolution = head.filters > 0 ? `convolution 1 x 1 to ${head.filters}, ${head.act}, ` : '';
  const hidden = head.hidden === undefined ? '' : `dense ${head.hidden}, ${head.act}, `;
  const dropout = head.dropout > 0 ? `dropout ${head.dropout}, ` : '';
  return [...rows, row('head', `${convolution}average pooling, ${hidden}${dropout}dense`, `${classes} logits`)];
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
  return end === undefined ? '-' : `${percent(end.validationAccuracy)} after ${points.length} epochs`;
};

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

/** Everything about one network of the frontier, folded until it is asked for. */
export function networkCard(member: NetworkMember): Markup {
  const { number, costs: cost, choices, files, curves, final, network } = member;
  const summary = `${count(cost.macs)} MACs, ${count(cost.params)} parameters, ${network.input.join(' x ')} input`;
  return html`<details class="card" id="trial-${number}">
    <summary>Trial ${number}<span>${summary}</span></summary>
    ${facts([
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
