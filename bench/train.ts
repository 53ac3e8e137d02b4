// Times one training step of each reference network, side by side with PyTorch on the same machine.
// Method: for each network, rounds run our step and PyTorch's in separate processes, one at a time, in alternating order.
// A round's figure is the median step after warm-up; a network's figure is the median of its rounds. The ratio is the median
// of the rounds' ratios, so a temporary load affects both sides.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { resolve, join } from 'node:path';
import ort from 'onnxruntime-node/package.json' with { type: 'json' };
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { invalidInput, messageOf, NasError } from '../base/errors.js';
import { openEager } from '../test/trainers/support/eager.js';
import { chooseEngine, engineSchema } from '../trainers/index.js';
import { median } from '../latency-models/statistics.js';
import { readTimedNetworks, type TimedNetwork } from './train/timing.js';
import { learningRate, randomBatch, specOf } from './train/time-step.js';
import {
  findTorch,
  measureOurs,
  measureTorch,
  peersDirectory,
  type Ours,
  type Peer,
  type Theirs,
} from './train/launch.js';
import { randomNetworks } from './train/random-networks.js';
import { geometricMean, printable, type Report, type Row } from './train/report.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:train --')
  .usage('$0 [options]')
  .options({
    networks: { type: 'string', describe: 'networks file; default: networks.json beside the PyTorch script' },
    random: {
      type: 'number',
      conflicts: 'networks',
      describe: 'times so many networks that are drawn by seed instead',
    },
    only: {
      type: 'array',
      string: true,
      default: [] as string[],
      describe: 'names of networks to time; default: all',
    },
    threads: { type: 'number', default: 1, describe: 'threads of both sides' },
    engine: {
      choices: ['auto', 'compiled', 'native'] as const,
      default: 'auto' as const,
      describe: 'our engine; NAS_NATIVE chooses the instruction set of the native one',
    },
    provider: { type: 'string', default: 'cpu', describe: 'ONNX Runtime execution provider of our step' },
    device: {
      choices: ['cpu', 'cuda', 'mps', 'xpu'] as const,
      default: 'cpu' as const,
      describe: 'device of PyTorch',
    },
    portable: { type: 'boolean', default: false, describe: "our step without ONNX Runtime's internal operators" },
    rounds: { type: 'number', default: 3, describe: 'rounds per network' },
    steps: { type: 'number', default: 15, describe: 'timed steps per round' },
    warmup: { type: 'number', default: 4, describe: 'untimed steps per round' },
    python: { type: 'string', default: '/usr/bin/python3', describe: 'Python executable with PyTorch' },
    'tfjs-cpu': {
      type: 'boolean',
      default: false,
      describe: "also time one step of the first network on TF.js's cpu backend (over a minute)",
    },
    json: { type: 'boolean', default: false, describe: 'print JSON instead of a table' },
  })
  .example('$0 --only mbv2_32 --threads 1 --rounds 5', '')
  .strict()
  .parseAsync();

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

async function timeNetwork({ name, batch }: TimedNetwork, networks: string, peer: Peer): Promise<Row> {
  const { engine, threads, steps, warmup, portable, provider, device } = options;
  const job = { networks, name, engine, threads, steps, warmup, portable, provider, device };
  const ours: Ours[] = [];
  const theirs: Theirs[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const measurements = [
      async () => ours.push(await measureOurs(job)),
      async () => 'missing' in peer || theirs.push(await measureTorch(peer, job)),
    ];
    for (const measure of round % 2 === 1 ? measurements : measurements.reverse()) await measure();
    const figures = [
      `ours ${ours[round - 1].ms_per_step.toFixed(1)} ms`,
      ...theirs.slice(round - 1).map(({ ms_per_step: ms }) => `PyTorch ${ms.toFixed(1)} ms`),
    ];
    progress(`${name} round ${round}/${options.rounds}: ${figures.join(', ')}`);
  }
  const ofOurs = (value: (figures: Ours) => number): number => median(ours.map(value));
  /** Null without PyTorch. */
  const ofTheirs = (value: (figures: Theirs, round: number) => number): number | null =>
    theirs.length > 0 ? median(theirs.map(value)) : null;
  return {
    name,
    batch,
    threads,
    parameters: ours[0]?.params ?? 0,
    ms: ofOurs((round) => round.ms_per_step),
    rounds: ours.map((round) => round.ms_per_step),
    startup_ms: ofOurs((round) => round.startup_ms),
    memory_mib: ofOurs((round) => round.memory_mib),
    evaluation: ofOurs((round) => round.evaluation_images_per_s / round.exported_images_per_s),
    torch_ms: ofTheirs(({ ms_per_step }) => ms_per_step),
    torch_rounds: theirs.map(({ ms_per_step }) => ms_per_step),
    torch_parameters: theirs[0]?.params ?? null,
    torch_device: theirs[0]?.device ?? null,
    memory_against_torch: ofTheirs(({ memory_mib }, round) => ours[round].memory_mib / memory_mib),
    against_torch: ofTheirs(({ ms_per_step }, round) => ms_per_step / ours[round].ms_per_step),
  };
}

/** Provider and, if known, adapter of our step; empty on the CPU. */
async function devicesOf(provider: string): Promise<Record<string, string>> {
  if (provider === 'cpu') return {};
  const engine = await chooseEngine(engineSchema.parse({ type: 'compiled', provider }));
  const adapter = engine.type === 'compiled' ? engine.adapter : null;
  return { 'ours on': adapter === null ? provider : `${provider}: ${adapter.name}` };
}

/** Milliseconds of one step of the same training on TF.js's cpu backend. */
async function timeTfjsCpu(timed: TimedNetwork): Promise<number> {
  const engine = await openEager(() => specOf(timed));
  const start = performance.now();
  await engine.train([{ batch: randomBatch(timed), learningRate }], 0);
  return performance.now() - start;
}

/** The file of networks that are drawn. */
function drawn(count: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'nas-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'networks.json');
  writeFileSync(file, JSON.stringify(randomNetworks(count)));
  return file;
}

async function main(): Promise<Report> {
  const directory = peersDirectory();
  const networks =
    options.random === undefined
      ? resolve(options.networks ?? join(directory, 'networks.json'))
      : drawn(options.random);
  const all = readTimedNetworks(networks);
  const unknown = options.only.filter((name) => !all.some((timed) => timed.name === name));
  if (unknown.length > 0)
    throw invalidInput(`--only: no network is called ${unknown.join(', ')}`, {
      hint: `The networks are ${all.map(({ name }) => name).join(', ')}.`,
    });
  const chosen = options.only.length > 0 ? all.filter(({ name }) => options.only.includes(name)) : all;
  const devices = await devicesOf(options.provider);
  const peer = await findTorch(options.python, directory);
  const load = loadavg()[0] ?? 0;
  const rows: Row[] = [];
  for (const timed of chosen) rows.push(await timeNetwork(timed, networks, peer));
  const [first] = chosen;
  if (options['tfjs-cpu']) progress(`${first.name} on TF.js's cpu backend: one step, over a minute`);
  const cpu = options['tfjs-cpu'] ? await timeTfjsCpu(first) : null;
  const ratios = rows.flatMap(({ against_torch }) => (against_torch === null ? [] : [against_torch]));
  return {
    environment: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      engine: `${options.engine} ${process.env['NAS_NATIVE'] ?? ''}`.trim(),
      threads: options.threads,
      node: process.versions.node,
      'ONNX Runtime': ort.version,
      ...('missing' in peer ? {} : { PyTorch: peer.version }),
      ...devices,
      ...(options.device === 'cpu' ? {} : { 'PyTorch on': rows[0]?.torch_device ?? options.device }),
      'load at start': Number(load.toFixed(2)),
    },
    networks: rows,
    geometric_mean: ratios.length > 0 ? geometricMean(ratios) : null,
    notes: [
      ...(cpu === null
        ? []
        : [
            `${first.name} takes ${cpu.toFixed(0)} ms a step on TF.js's cpu backend, ${(cpu / rows[0].ms).toFixed(0)} times as long`,
          ]),
      ...('missing' in peer ? [peer.missing] : []),
      ...(load > 0.5 ? [`the machine was busy at the start (load ${load.toFixed(2)}): discard these figures`] : []),
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
