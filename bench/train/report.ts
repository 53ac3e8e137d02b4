import Table from 'cli-table3';

/** One network: medians over rounds of the median step, in milliseconds, and every round. */
export interface Row {
  readonly name: string;
  readonly batch: number;
  readonly threads: number;
  readonly parameters: number;
  readonly ms: number;
  readonly rounds: readonly number[];
  readonly startup_ms: number;
  readonly memory_mib: number;
  readonly torch_ms: number | null;
  readonly torch_rounds: readonly number[];
  readonly torch_parameters: number | null;
  /** Speed against PyTorch: median over rounds of its time divided by ours. Above 1, ours is faster. */
  readonly against_torch: number | null;
}

/** TF.js's cpu backend on one network: a single step. */
export interface CpuRow {
  readonly name: string;
  readonly ms: number;
  /** Its time divided by ours. */
  readonly ratio: number;
}

export interface Report {
  readonly environment: Readonly<Record<string, string | number>>;
  readonly networks: readonly Row[];
  /** Geometric mean of `against_torch`. */
  readonly geometric_mean: number | null;
  readonly tfjs_cpu: CpuRow | null;
  readonly notes: readonly string[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

const fixed = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));

/** The report as people read it. */
export function printable({ environment, networks, geometric_mean, tfjs_cpu, notes }: Report): string {
  const table = new Table({
    head: [
      'network',
      'batch',
      'parameters',
      'ours ms',
      'images/s',
      'PyTorch ms',
      'speed ratio',
      'compile ms',
      'peak MiB',
    ],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const row of networks)
    table.push([
      row.name,
      row.batch,
      row.parameters,
      fixed(row.ms, 1),
      fixed((row.batch / row.ms) * 1e3, 0),
      fixed(row.torch_ms, 1),
      fixed(row.against_torch, 2),
      fixed(row.startup_ms, 0),
      fixed(row.memory_mib, 0),
    ]);
  return [
    'One distillation step: forward, 0.5 CE + 0.5 T^2 KL, backward, SGD with momentum and weight decay, batch norm.',
    Object.entries(environment)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
    table.toString(),
    ...(geometric_mean === null
      ? []
      : [`Geometric mean of PyTorch ms / ours ms: ${geometric_mean.toFixed(2)} (above 1: ours is faster)`]),
    ...(tfjs_cpu === null
      ? []
      : [
          `TF.js cpu backend, ${tfjs_cpu.name}: ${tfjs_cpu.ms.toFixed(0)} ms a step; ours is ${tfjs_cpu.ratio.toFixed(0)} times faster`,
        ]),
    ...notes.map((note) => `Note: ${note}`),
  ].join('\n');
}
