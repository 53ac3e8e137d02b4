// Times one training step of each reference network, side by side with PyTorch on the same machine.
// Method: for each network, rounds of ours and the peer's alternate, one process at a time, each in a process of its
// own, and take turns in going first. A round's figure is the median step after warm-up, a network's figure the median
// of its rounds; the ratio is the median of the rounds' ratios, so that a load that comes and goes counts on both sides.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node/package.json' with { type: 'json' };
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { messageOf, NasError } from '../base/errors.js';
import type { Job } from './train/job.js';
import { findTorch, measure, measureTorch, type Peer } from './train/launch.js';
import { peersDirectory, readBenchmarks, type Benchmark } from './train/networks.js';
import { geometricMean, median, printable, type CpuRow, type Report, type Row } from './train/report.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:train --')
  .usage('$0 [options]')
  .options({
    only: {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: 'names of networks to time; all by default',
    },
    threads: { type: 'number', default: 1, describe: 'threads of both' },
    rounds: { type: 'number', default: 3, describe: 'alternating rounds of each network' },
    steps: { type: 'number', default: 15, describe: 'timed steps of a round' },
    warmup: { type: 'number', default: 4, describe: 'untimed steps of a round' },
    python: { type: 'string', default: '/usr/bin/python3', describe: 'the Python that has PyTorch' },
    'tfjs-cpu': {
      type: 'boolean',
      default: false,
      describe: "also time one step of mbv2_32 on TF.js's cpu backend (over a minute)",
    },
    json: { type: 'boolean', default: false, describe: 'print JSON instead of a table' },
  })
  .example('$0 --only mbv2_32 --threads 1 --rounds 5', '')
  .strict()
  .parseAsync();

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

async function timeNetwork(benchmark: Benchmark, networks: string, peer: Peer): Promise<Row> {
  const { threads, steps, warmup } = options;
  const job: Job = { engine: 'compiled', benchmark, threads, steps, warmup };
  const ours: Awaited<ReturnType<typeof measure>>[] = [];
  const theirs: Awaited<ReturnType<typeof measureTorch>>[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const turns = [
      async () => ours.push(await measure(job)),
      async () => 'missing' in peer || theirs.push(await measureTorch(peer, networks, job)),
    ];
    for (const turn of round % 2 === 1 ? turns : turns.reverse()) await turn();
    const figures = [
      `ours ${ours[round - 1].ms.toFixed(1)} ms`,
      ...theirs.slice(round - 1).map(({ ms }) => `PyTorch ${ms.toFixed(1)} ms`),
    ];
    progress(`${benchmark.name} round ${round}/${options.rounds}: ${figures.join(', ')}`);
  }
  const ms = median(ours.map((round) => round.ms));
  return {
    name: benchmark.name,
    batch: benchmark.batch,
    threads,
    parameters: ours[0]?.parameters ?? 0,
    ms,
    rounds: ours.map((round) => round.ms),
    startup_ms: median(ours.map((round) => round.startup)),
    memory_mib: median(ours.map((round) => round.memory)),
    torch_ms: theirs.length > 0 ? median(theirs.map((round) => round.ms)) : null,
    torch_rounds: theirs.map((round) => round.ms),
    torch_parameters: theirs[0]?.parameters ?? null,
    against_torch: theirs.length > 0 ? median(theirs.map((round, i) => round.ms / ours[i].ms)) : null,
  };
}

async function timeTfjsCpu(benchmarks: readonly Benchmark[], rows: readonly Row[]): Promise<CpuRow | null> {
  const benchmark = benchmarks.find(({ name }) => name === 'mbv2_32');
  const ours = rows.find(({ name }) => name === 'mbv2_32');
  if (!options['tfjs-cpu'] || !benchmark || !ours) return null;
  progress("mbv2_32 on TF.js's cpu backend: one step, over a minute");
  const { ms } = await measure({ engine: 'tfjs-cpu', benchmark, threads: 1, steps: 1, warmup: 0 });
  return { name: benchmark.name, ms, ratio: ms / ours.ms };
}

async function main(): Promise<Report> {
  const directory = peersDirectory();
  const networks = join(directory, 'networks.json');
  const benchmarks = readBenchmarks(networks, options.only);
  const peer = await findTorch(options.python, directory);
  const load = loadavg()[0] ?? 0;
  const rows: Row[] = [];
  for (const benchmark of benchmarks) rows.push(await timeNetwork(benchmark, networks, peer));
  const ratios = rows.flatMap(({ against_torch }) => (against_torch === null ? [] : [against_torch]));
  return {
    environment: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      threads: options.threads,
      node: process.versions.node,
      'ONNX Runtime': ort.version,
      ...('missing' in peer ? {} : { PyTorch: peer.version }),
      'load at start': Number(load.toFixed(2)),
    },
    networks: rows,
    geometric_mean: ratios.length > 0 ? geometricMean(ratios) : null,
    tfjs_cpu: await timeTfjsCpu(benchmarks, rows),
    notes: [
      ...('missing' in peer ? [peer.missing] : []),
      ...(load > 0.5
        ? [`the machine was not quiet at the start (load ${load.toFixed(2)}): do not keep these figures`]
        : []),
      ...rows
        .filter(({ torch_parameters, parameters }) => torch_parameters !== null && torch_parameters !== parameters)
        .map(
          (row) =>
            `${row.name}: PyTorch trains ${row.torch_parameters} parameters, ours ${row.parameters}: not the same network`,
        ),
    ],
  };
}

try {
  const report = await main();
  console.log(options.json ? JSON.stringify(report, null, 2) : printable(report));
} catch (error) {
  progress(`error: ${messageOf(error)}${error instanceof NasError && error.hint ? `\n${error.hint}` : ''}`);
  process.exitCode = error instanceof NasError ? error.exitCode : 1;
}
