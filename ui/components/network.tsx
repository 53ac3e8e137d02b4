import { bytes, count, epochsText, ms, percent, percentilesText } from '../../base/number-text.js';
import { scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { CurvePoint, MeasuredLatency, NetworkMember, NetworkPart, ReportMember } from '../../reports/page/api.js';
import type { Fact } from './elements.js';
import { Table, type Column } from './table.js';

/** Whether the network of a member is known; trials from a table have none. */
export const hasNetwork = (member: ReportMember): member is NetworkMember =>
  member.network !== null && member.costs !== null && member.parts !== null;

/** The end of a learning curve: `91.23 % after 5 epochs`. */
export function lastText(task: TaskType, points: readonly CurvePoint[]): string {
  const end = points.at(-1);
  return end === undefined ? '-' : `${scoreText(task, end.validationAccuracy)} after ${epochsText(points.length)}`;
}

export const verdictFacts = ({ variants = [] }: ReportMember): Fact[] =>
  variants.map(({ precision, verdict }) => [precision, verdict]);

type Spread = Pick<MeasuredLatency, 'p50' | 'p95' | 'p99' | 'converged'>;

export const percentilesFact = (spread: Spread): Fact => ['percentiles', percentilesText(spread)];

/** How a latency was measured. */
export const purposeTexts: { readonly [P in MeasuredLatency['purpose']]: string } = {
  calibration: 'alone, for the latency model',
  trial: 'alone, in its trial',
  frontier: 'side by side with the frontier',
};

/** Warnings for a measurement that is not reliable, or did not converge. */
export const cautionFacts = ({
  converged,
  certainty: { unreliable },
}: Pick<MeasuredLatency, 'converged' | 'certainty'>): readonly Fact[] => [
  ...(unreliable === undefined ? [] : [['not reliable', unreliable] satisfies Fact]),
  ...(converged ? [] : [['caution', 'the interval is wider than the protocol requires'] satisfies Fact]),
];

export function latencyFacts({ latency, predicted }: ReportMember): Fact[] {
  const facts: Fact[] = [];
  if (latency !== null) {
    const [low, high] = latency.certainty.interval;
    facts.push(['measured latency', `${ms(latency.ms)} (95 % interval ${ms(low)} to ${ms(high)})`]);
    facts.push(['session', latency.explanation]);
    facts.push(percentilesFact(latency), ...cautionFacts(latency));
  }
  if (predicted !== null) {
    const { ms: guess, std, coverage } = predicted;
    facts.push(['predicted latency', `${ms(guess)} ± ${ms(std)}, ${percent(coverage)} covered`]);
  }
  return facts;
}

export const sizeFacts = ({ costs }: NetworkMember): Fact[] => [
  ['activation memory', bytes(costs.activationBytes)],
  ['weights', bytes(costs.sizeBytes)],
];

/** The output shape of a part: `14 x 14 x 40`, `10 logits`. */
const outputText = ({ kind, output }: Pick<NetworkPart, 'kind' | 'output'>): string =>
  `${output.join(' x ')}${kind === 'head' ? ' logits' : ''}`;

const columns: readonly Column<NetworkPart>[] = [
  { title: 'part', heading: true, cell: ({ name }) => name },
  { title: 'operation', cell: ({ operation }) => operation },
  { title: 'output', numeric: true, cell: outputText },
  { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
  { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
];

export function NetworkParts({ parts }: { readonly parts: readonly NetworkPart[] }) {
  return <Table columns={columns} rows={parts} label="Parts of the network" />;
}

/** The sizes of the largest map and the longest bar, px. */
const size = { map: 56, bar: 96 } as const;

/** The length of a map's side, on a logarithmic scale. */
const along = (value: number, most: number): number =>
  6 + (size.map - 6) * (Math.log2(1 + value) / Math.log2(1 + most));

const greatest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 1);

/** `3 x 3, stride 2`; empty without a window. */
function windowText({ kernel, stride }: NetworkPart): string {
  if (kernel === null) return '';
  return `${kernel} x ${kernel}${stride === null || stride === 1 ? '' : `, stride ${stride}`}`;
}

/** A share in whole percents; a small one is `< 1 %`, never 0. */
const shareText = (share: number): string => (share > 0 && share < 0.005 ? '< 1 %' : `${Math.round(100 * share)} %`);

interface Scale {
  readonly rows: number;
  readonly channels: number;
  readonly macs: number;
  readonly mostMacs: number;
}

function Part({ part, scale }: { readonly part: NetworkPart; readonly scale: Scale }) {
  const { name, kind, operation, output, macs } = part;
  const [rows, channels] = output.length === 1 ? [1, output[0]] : [output[0], output[2]];
  const [height, width] = [along(rows, scale.rows), along(channels, scale.channels)];
  const window = windowText(part);
  const share = scale.macs === 0 ? 0 : macs / scale.macs;
  return (
    <li class={`part kind-${kind}`} title={operation}>
      <b>{name}</b>
      <svg aria-hidden="true" width={size.map} height={size.map} viewBox={`0 0 ${size.map} ${size.map}`}>
        <rect
          class="map"
          x={(size.map - width) / 2}
          y={size.map - height}
          width={width}
          height={height}
          rx={Math.min(3, width / 2)}
        />
      </svg>
      <span class="window">{window === '' ? kind.replaceAll('_', ' ') : window}</span>
      <span>{outputText(part)}</span>
      <svg aria-hidden="true" class="share" width={size.bar} height={6} viewBox={`0 0 ${size.bar} 6`}>
        <rect class="whole" width={size.bar} height={6} rx={3} />
        <rect class="own" width={scale.mostMacs === 0 ? 0 : (size.bar * macs) / scale.mostMacs} height={6} rx={3} />
      </svg>
      <span class="quiet">{shareText(share)} of MACs</span>
    </li>
  );
}

/** Draws a network from input to logits. Boxes show map sizes and channels, both logarithmically; bars show MACs. */
export function NetworkDrawing({ parts }: { readonly parts: readonly NetworkPart[] }) {
  const scale: Scale = {
    rows: greatest(parts.map(({ output }) => (output.length === 1 ? 1 : output[0]))),
    channels: greatest(parts.map(({ output }) => output[output.length - 1])),
    macs: parts.reduce((sum, { macs }) => sum + macs, 0),
    mostMacs: greatest(parts.map(({ macs }) => macs)),
  };
  return (
    <ol class="network" aria-label="The network, from input to logits">
      {parts.map((part) => (
        <Part key={part.name} part={part} scale={scale} />
      ))}
    </ol>
  );
}
