/**
 * Times the training step of networks of a file, as `nas run` runs it.
 *
 *   npm run bench:train-networks -- --networks bench/train/shapes.json --threads 1
 */
import { invalidInput } from '../base/errors.js';
import { median } from '../latency-models/statistics.js';
import { wholeNumber } from '../cli/arguments/values.js';
import { command, jsonOption } from '../cli/command.js';
import { type Column, json, renderTable, type Terminal, numeric } from '../cli/output/terminal.js';
import { createCounter } from '../cli/progress/counter.js';
import { runAsProgram } from './command-line.js';
import { type NodeShare, readTimedNetworks, type StepTiming, type TimedNetwork, timeTraining } from './train/timing.js';
import { sum } from '../base/statistics.js';

/** Result of one network, as `--json` prints it. */
interface Row {
  readonly name: string;
  readonly engine: StepTiming['engine'];
  readonly threads: number;
  /** Median over the timed steps. */
  readonly ms_per_step: number;
  readonly images_per_s: number;
  readonly params: number;
  readonly batch: number;
  readonly startup_ms: number;
  readonly memory_mib: number;
  readonly evaluation_images_per_s?: number;
  readonly exported_images_per_s?: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'network', cell: ({ name }) => name },
  { title: 'engine', cell: ({ engine }) => engine },
  numeric('batch', ({ batch }) => `${batch}`),
  numeric('parameters', ({ params }) => `${params}`),
  numeric('ms/step', ({ ms_per_step }) => ms_per_step.toFixed(1)),
  numeric('images/s', ({ images_per_s }) => images_per_s.toFixed(0)),
  numeric('start-up ms', ({ startup_ms }) => startup_ms.toFixed(0)),
  numeric('peak MiB', ({ memory_mib }) => memory_mib.toFixed(0)),
];
const evaluationColumns: readonly Column<Row>[] = [
  numeric('evaluated/s', (row) => row.evaluation_images_per_s?.toFixed(0) ?? ''),
  numeric('exported/s', (row) => row.exported_images_per_s?.toFixed(0) ?? ''),
];

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

function toRow({ name, batch }: TimedNetwork, threads: number, ms: number, timing: StepTiming): Row {
  const { engine, params, startup_ms, memory_mib, evaluation } = timing;
  return {
    name,
    engine,
    threads,
    ms_per_step: round(ms, 3),
    images_per_s: round((batch * 1e3) / ms, 1),
    params,
    batch,
    startup_ms: round(startup_ms, 1),
    memory_mib: round(memory_mib, 1),
    ...(evaluation === null
      ? {}
      : { evaluation_images_per_s: round(evaluation.ours, 1), exported_images_per_s: round(evaluation.exported, 1) }),
  };
}

interface Share {
  readonly name: string;
  readonly ms: number;
  readonly nodes: number;
  /** Share of the step, in [0, 1]. */
  readonly share: number;
}

/** Total time by a property of the nodes, descending. */
function sharesBy(nodes: readonly NodeShare[], key: (node: NodeShare) => string): Share[] {
  const total = sum(nodes.map(({ ms }) => ms));
  const groups = new Map<string, { ms: number; nodes: number }>();
  for (const node of nodes) {
    const group = groups.get(key(node)) ?? { ms: 0, nodes: 0 };
    groups.set(key(node), { ms: group.ms + node.ms, nodes: group.nodes + 1 });
  }
  return [...groups]
    .map(([name, { ms, nodes: count }]) => ({ name, ms: round(ms, 3), nodes: count, share: ms / total }))
    .sort((a, b) => b.ms - a.ms);
}

const byOperator = (nodes: readonly NodeShare[]): Share[] => sharesBy(nodes, ({ operator }) => operator);
const byLayer = (nodes: readonly NodeShare[]): Share[] =>
  sharesBy(nodes, ({ layer }) => (layer === '' ? '(between layers)' : layer));

const barWidth = 24;
const shareColumns = (title: string): readonly Column<Share>[] => [
  { title, cell: ({ name }) => name },
  numeric('nodes', ({ nodes }) => `${nodes}`),
  numeric('ms', ({ ms }) => ms.toFixed(2)),
  numeric('share', ({ share }) => `${(100 * share).toFixed(1)} %`),
  { title: '', cell: ({ share }) => '█'.repeat(Math.round(share * barWidth)) },
];
/** Maximum number of layers in the table; JSON has all. */
const mostLayers = 25;

function printProfile(name: string, nodes: readonly NodeShare[], { out, colors }: Terminal): void {
  const layers = byLayer(nodes);
  const rest = layers.slice(mostLayers);
  const others: Share = {
    name: `(${rest.length} more)`,
    ms: sum(rest.map(({ ms }) => ms)),
    nodes: sum(rest.map((one) => one.nodes)),
    share: sum(rest.map(({ share }) => share)),
  };
  out(`\n${colors.bold(name)}, time of a step by operator and by layer\n`);
  out(renderTable(shareColumns('operator'), byOperator(nodes), colors));
  out(
    `\n${renderTable(shareColumns('layer'), [...layers.slice(0, mostLayers), ...(rest.length > 0 ? [others] : [])], colors)}`,
  );
}

export const trainNetworks = command({
  usage: '$0',
  summary: 'Time the training step of networks, as nas run runs it',
  examples: [
    ['--networks networks.json --threads 1', 'a table'],
    ['--networks networks.json --only mbv2_32 --profile', 'the time of a step by operator and layer'],
    ['--networks networks.json --json', 'a list of {name, threads, ms_per_step, images_per_s, params, ...}'],
  ],
  options: (yargs) =>
    yargs
      .option('networks', {
        type: 'string',
        demandOption: true,
        describe: 'JSON file: {"networks": [{name, input, classes, batch, stem, blocks, head}]}',
      })
      .option('only', { type: 'string', array: true, default: [] as string[], describe: 'Names of networks to time' })
      .option('threads', { type: 'number', default: 1, describe: 'Threads within an operator' })
      .option('steps', { type: 'number', default: 15, describe: 'Timed steps; the figure is their median' })
      .option('warmup', { type: 'number', default: 4, describe: 'Untimed steps before' })
      .option('provider', { type: 'string', default: 'cpu', describe: 'ONNX Runtime execution provider' })
      .option('engine', {
        choices: ['auto', 'compiled', 'native'] as const,
        default: 'auto' as const,
        describe:
          'What runs the step; auto: native where it trains the network, compiled with --profile, --portable or another provider. NAS_NATIVE chooses the instruction set of the native engine',
      })
      .option('portable', {
        type: 'boolean',
        default: false,
        describe: "Without ONNX Runtime's internal operators: what machines without AVX2 and other providers get",
      })
      .option('evaluation', {
        type: 'boolean',
        default: false,
        describe: 'Also time evaluation, beside ONNX Runtime on the exported model',
      })
      .option('profile', { type: 'boolean', default: false, describe: 'Also print time by operator and by layer' })
      .option('json', jsonOption),
  run: async (args, terminal) => {
    const { out, colors } = terminal;
    const all = readTimedNetworks(args.networks);
    const unknown = args.only.filter((name) => !all.some((timed) => timed.name === name));
    if (unknown.length > 0)
      throw invalidInput(`--only: ${args.networks} has no network ${unknown.join(', ')}`, {
        hint: `It has ${all.map(({ name }) => name).join(', ')}.`,
      });
    wholeNumber('--threads', args.threads);
    wholeNumber('--steps', args.steps);
    wholeNumber('--warmup', args.warmup, 0);
    const chosen = args.only.length > 0 ? all.filter(({ name }) => args.only.includes(name)) : all;
    const measured: { readonly row: Row; readonly nodes: readonly NodeShare[] | null }[] = [];
    const counter = createCounter(terminal);
    for (const [i, timed] of chosen.entries()) {
      counter.show(timed.name)(i + 1, chosen.length);
      const { engine, threads, steps, warmup, provider, profile, evaluation } = args;
      const timing = await timeTraining({
        timed,
        engine,
        provider,
        threads,
        steps,
        warmup,
        blocked: !args.portable,
        profile,
        evaluation,
      });
      measured.push({ row: toRow(timed, threads, median(timing.samples), timing), nodes: timing.profile });
    }
    counter.close();
    if (args.json) {
      const plain = measured.map(({ row, nodes }) => ({
        ...row,
        ...(nodes === null ? {} : { profile: { operators: byOperator(nodes), layers: byLayer(nodes) } }),
      }));
      out(json(plain));
      return;
    }
    const rows = measured.map(({ row }) => row);
    out(renderTable(args.evaluation ? [...columns, ...evaluationColumns] : columns, rows, colors));
    for (const { row, nodes } of measured) if (nodes !== null) printProfile(row.name, nodes, terminal);
  },
});

await runAsProgram(import.meta.url, trainNetworks);
