/**
 * How well latency measurements repeat: networks are measured twice, each time in a new process, with the machine fully
 * loaded in between; then once more while one processor is busy, which must change nothing or be detected.
 *
 * node --import tsx bench/latency-repeatability.ts [--networks 30] [--busy-networks 10] [--load-seconds 15] [--device local]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../base/random.js';
import { parseDevice } from '../cli/arguments/device.js';
import { candidateOnnx } from '../runner/jobs/candidate-model.js';
import { createDevice, measureOne, validate, type Measurement } from '../latency-models/index.js';
import { createSpace, sampleGenotype } from '../spaces/index.js';

const { values: options } = parseArgs({
  options: {
    networks: { type: 'string', default: '30' },
    'busy-networks': { type: 'string', default: '10' },
    'load-seconds': { type: 'string', default: '15' },
    device: { type: 'string', default: 'local' },
    role: { type: 'string', default: 'main' },
    count: { type: 'string', default: '0' },
  },
});

type Reading = Pick<Measurement, 'ms' | 'interval' | 'reliable' | 'reasons'>;

/** Measures the first `count` networks of a fixed random sequence one by one, as a search does. */
async function measureAll(count: number): Promise<Reading[]> {
  tf.enableProdMode();
  const space = await createSpace({ type: 'mobilenet' }, { input: [32, 32, 3], classes: 10 });
  const random = new Random(1, 'latency-repeatability');
  const device = createDevice(parseDevice(options.device));
  const readings: Reading[] = [];
  for (let i = 0; i < count; i++) {
    const model = candidateOnnx({ network: space.build(sampleGenotype(space, random)), seed: 1 });
    const { ms, interval, reliable, reasons } = await measureOne(device, model);
    readings.push({ ms, interval, reliable, reasons });
  }
  return readings;
}

/** Keeps a processor busy, including memory traffic, until the process is killed. */
function burn(): never {
  const numbers = new Float64Array(2 ** 21);
  for (let i = 0; ; i = (i + 1) % numbers.length) numbers[i] = Math.sqrt(numbers[(i * 7919) % numbers.length] + i);
}

const start = (role: string, count = 0): ChildProcess =>
  fork(fileURLToPath(import.meta.url), ['--role', role, '--count', String(count), '--device', options.device], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });

/** Measures in a new process. */
const measured = (count: number): Promise<Reading[]> =>
  new Promise((resolve, reject) => {
    const child = start('measure', count);
    child.once('message', (readings) => resolve(readings as Reading[]));
    child.once('exit', (code) => reject(new Error(`the measuring process ended with exit code ${String(code)}`)));
  });

/** Runs a task while `processors` processors are busy. */
async function loaded<T>(processors: number, task: () => Promise<T>): Promise<T> {
  const burners = Array.from({ length: processors }, () => start('burn'));
  await sleep(1000);
  try {
    return await task();
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const quantile = (values: readonly number[], q: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(q * values.length))];

function compare(title: string, before: readonly Reading[], after: readonly Reading[]): void {
  const pairs = after.map(({ ms }, i) => ({ predicted: before[i].ms, measured: ms }));
  const differences = pairs.map(({ predicted, measured: ms }) => Math.abs(ms / predicted - 1));
  const { spearman } = validate(pairs);
  const silent = after.filter(({ reliable }, i) => reliable && differences[i] > 0.03).length;
  console.log(`\n${title}`);
  console.log(
    `  networks            ${after.length} of ${Math.min(...before.map(({ ms }) => ms)).toFixed(3)} to ${Math.max(...before.map(({ ms }) => ms)).toFixed(3)} ms`,
  );
  console.log(`  median difference   ${percent(quantile(differences, 0.5))}`);
  console.log(
    `  90 % differ by less ${percent(quantile(differences, 0.9))}; largest ${percent(Math.max(...differences))}`,
  );
  console.log(`  Spearman            ${spearman.toFixed(4)}`);
  console.log(
    `  rated reliable      ${before.filter(({ reliable }) => reliable).length} before, ${after.filter(({ reliable }) => reliable).length} after`,
  );
  console.log(`  off by more than 3 % but rated reliable: ${silent}`);
  const reasons = after.flatMap((reading) => reading.reasons);
  if (reasons.length > 0) console.log(`  reasons, e.g.       ${reasons[0]}`);
}

async function main(): Promise<void> {
  const [count, busyCount, seconds] = [options.networks, options['busy-networks'], options['load-seconds']].map(Number);
  const first = await measured(count);
  await loaded(availableParallelism(), () => sleep(1000 * seconds));
  const second = await measured(count);
  compare(`twice, in two processes, all processors busy for ${seconds} s in between`, first, second);
  const busy = await loaded(1, () => measured(busyCount));
  compare('with one processor busy during the measurement', first.slice(0, busyCount), busy);
}

switch (options.role) {
  case 'measure':
    process.send?.(await measureAll(Number(options.count)), () => process.exit(0));
    break;
  case 'burn':
    burn();
    break;
  default:
    await main();
}
