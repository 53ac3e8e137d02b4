import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { mean } from '../../base/statistics.js';
import { Random } from '../../base/random.js';
import { median } from '../../latency-models/statistics.js';
import type { BoardName } from '../../experiments/schema/constraints.js';
import { choicesOf, costs, createSpace, genotypeId, sampleGenotype, spaceSchema } from '../../spaces/index.js';

/** What one run cost its coordinator. */
export interface TrainedRun {
  /** Processor time of each ask in ms. */
  readonly asks: readonly number[];
  /** The id of the network that each ask gave. */
  readonly networks: readonly string[];
  /** When each trial ended, in seconds. */
  readonly ends: readonly number[];
  readonly cpuSeconds: number;
  /** Peak memory. */
  readonly mib: number;
}

export interface TrainedSetting {
  readonly controller: 'surrogate' | 'local';
  /** Among the objectives beside accuracy: exact, or predicted with a measurement of each trial. */
  readonly cost: 'macs' | 'latency_ms';
  readonly trials: number;
  /** Whose memory the networks have to fit in. */
  readonly board?: BoardName;
}

/** More than 10^9 networks. */
const space = { type: 'mobilenet', preset: 'small' } as const;
const measuredRows = 60;

/** Accuracy grows with most choices; one network in seventeen fails. */
const evaluation = `export default ({ genotype }) => {
  const sum = genotype.reduce((a, b) => a + b, 0);
  if (sum % 17 === 3) throw new Error('the training diverged');
  return { accuracy: sum / (sum + 15) - genotype.reduce((a, b, i) => a + ((b + i) % 3), 0) / 500 };
};
`;

/** Writes latencies of some networks; the device predicts all others from them. @returns the file's path. */
async function writeDevice(folder: string): Promise<string> {
  const built = await createSpace(spaceSchema.parse(space), { input: [28, 28, 1], classes: 10 });
  const random = new Random(1, 'device');
  const names = built.decisions.map(({ name }) => name);
  const rows = new Map<string, string>();
  while (rows.size < measuredRows) {
    const genotype = sampleGenotype(built, random);
    const choices = choicesOf(built.decisions, genotype);
    const { macs, trafficBytes, layers } = costs(built.build(genotype));
    const ms = 0.2 + macs / 2e6 + trafficBytes / 3e6 + 0.003 * layers.length;
    rows.set(genotypeId(genotype), [...names.map((name) => choices[name]), ms.toFixed(4)].join());
  }
  const file = join(folder, 'latencies.csv');
  writeFileSync(file, `${[[...names, 'ms'].join(), ...rows.values()].join('\n')}\n`);
  return file;
}

/** Runs one search in a new process. */
export async function runTrained(
  folder: string,
  { controller, cost, trials, board }: TrainedSetting,
): Promise<TrainedRun> {
  const name = [controller, cost, trials, ...(board === undefined ? [] : [board])].join('-');
  mkdirSync(folder, { recursive: true });
  const module = join(folder, 'evaluate.mjs');
  writeFileSync(module, evaluation);
  const device = { type: 'table', file: await writeDevice(folder), column: 'ms', missing: 'predict' };
  const experiment = {
    name,
    data: { type: 'fashion-mnist', subset: 0.01 },
    space,
    evaluate: { type: 'module', path: module },
    objectives: ['accuracy', cost],
    ...(board !== undefined && { constraints: { board } }),
    ...(cost === 'latency_ms' && { latency: { device, calibration: 8 } }),
    search: { controller, trials, parallel: 2 },
  };
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, stringify(experiment));
  const script = fileURLToPath(new URL('trained-run.ts', import.meta.url));
  const out = join(folder, `${name}.json`);
  const args = ['--import', 'tsx', script, file, join(folder, name), out];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  // The script wrote it.
  return JSON.parse(readFileSync(out, 'utf8')) as TrainedRun;
}

const ms = (value: number): string => value.toFixed(value < 10 ? 1 : 0);

/** A row of the table of runs: the asks from 500 to 1,000 (of few trials, the first half) beside the last 500. */
export function describeTrained({ controller, cost, trials, board }: TrainedSetting, run: TrainedRun): string[] {
  const { asks, ends } = run;
  const early = trials >= 1000 ? asks.slice(500, 1000) : asks.slice(0, asks.length >> 1);
  const late = asks.slice(-early.length);
  const seconds = (part: readonly number[]): number => (part.at(-1) ?? NaN) - (part.at(0) ?? NaN);
  const rate = (part: readonly number[]): string => (part.length / seconds(part)).toFixed(0);
  return [
    controller,
    (cost === 'macs' ? 'exact' : 'predicted') + (board === undefined ? '' : `, ${board}`),
    String(trials),
    ms(median(asks)),
    ms(median(early)),
    ms(median(late)),
    ms(mean(early)),
    ms(mean(late)),
    ms(Math.max(...asks)),
    rate(ends),
    rate(ends.slice(-early.length)),
    run.mib.toFixed(0),
  ];
}

export const trainedHead = [
  'controller',
  'cost',
  'trials',
  'ask, median [ms]',
  'early',
  'late',
  'mean, early',
  'mean, late',
  'longest',
  'trials/s',
  'late',
  'memory [MiB]',
];
