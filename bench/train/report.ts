import Table from 'cli-table3';
import { mean } from '../../base/statistics.js';

/** One network: medians over rounds of the median step in ms, and every round. */
export interface Row {
  readonly name: string;
  readonly batch: number;
  readonly threads: number;
  readonly parameters: number;
  readonly ms: number;
  readonly rounds: readonly number[];
  readonly startup_ms: number;
  readonly memory_mib: number;
  /** Evaluation rate relative to ONNX Runtime on the exported model. */
  readonly evaluation: number;
  readonly torch_ms: number | null;
  readonly torch_rounds: readonly number[];
  readonly torch_parameters: number | null;
  /** PyTorch's name of its device. */
  readonly torch_device: string | null;
  /** Peak memory relative to PyTorch's. */
  readonly memory_against_torch: number | null;
  /** Median over rounds of PyTorch's time / our time. Above 1, our step is faster. */
  readonly against_torch: number | null;
}

export interface Report {
  readonly environment: Readonly<Record<string, string | number>>;
  readonly networks: readonly Row[];
  /** Geometric mean of `against_torch`. */
  readonly geometric_mean: number | null;
  readonly notes: readonly string[];
}

export const geometricMean = (values: readonly number[]): number => Math.exp(mean(values.map(Math.log)));

const fixed = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));

const columns: readonly (readonly [title: string, cell: (row: Row) => string])[] = [
  ['network', ({ name }) => name],
  ['batch', ({ batch }) => `${batch}`],
  ['parameters', ({ parameters }) => `${parameters}`],
  ['ours ms', ({ ms }) => fixed(ms, 1)],
  ['images/s', ({ batch, ms }) => fixed((batch / ms) * 1e3, 0)],
  ['PyTorch ms', ({ torch_ms }) => fixed(torch_ms, 1)],
  ['ours steps/s', ({ ms }) => fixed(1e3 / ms, 1)],
  ['PyTorch steps/s', ({ torch_ms }) => fixed(torch_ms === null ? null : 1e3 / torch_ms, 1)],
  ['speed ratio', ({ against_torch }) => fixed(against_torch, 2)],
  ['start-up ms', ({ startup_ms }) => fixed(startup_ms, 0)],
  ['peak MiB', ({ memory_mib }) => fixed(memory_mib, 0)],
  ['memory ratio', ({ memory_against_torch }) => fixed(memory_against_torch, 2)],
  ['evaluation ratio', ({ evaluation }) => fixed(evaluation, 2)],
];

/** The report as text. */
export function printable({ environment, networks, geometric_mean, notes }: Report): string {
  const table = new Table({
    head: columns.map(([title]) => title),
    colAligns: columns.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
  for (const row of networks) table.push(columns.map(([, cell]) => cell(row)));
  return [
    'One distillation step: forward, 0.5 CE + 0.5 T^2 KL, backward, SGD with momentum and weight decay, batch norm.',
    Object.entries(environment)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
    table.toString(),
    ...(geometric_mean === null
      ? []
      : [`Geometric mean of PyTorch ms / ours ms: ${geometric_mean.toFixed(2)} (above 1: ours is faster)`]),
    ...notes.map((note) => `Note: ${note}`),
  ].join('\n');
}
