/**
 * How well a fitted latency model predicts: a model is fitted to measurements of designed networks of a space; then random
 * networks are measured in another process and compared with its predictions. The output warns when the machine's speed
 * changed meanwhile.
 *
 * node --import tsx bench/latency-prediction.ts [--space mobilenet] [--device local] [--networks 60] [--others 50]
 *   [--store measurements.json]
 *
 * --store keeps the measurements in a file; a stopped benchmark continues from it.
 */
import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { writeFileAtomic } from '../base/files.js';
import { Random } from '../base/random.js';
import { parseDevice } from '../cli/arguments/device.js';
import { parseSpace } from '../cli/arguments/space.js';
import { untrainedSubject } from '../runner/index.js';
import {
  createDevice,
  crossValidate,
  fitLatencyModel,
  selectCalibration,
  validate,
  validateModel,
  type Measurement,
  type Observation,
} from '../latency-models/index.js';
import { median } from '../latency-models/statistics.js';
import { genotypeId, sampleGenotype, type Genotype, type Space } from '../spaces/index.js';

const { values: options } = parseArgs({
  options: {
    space: { type: 'string', default: 'mobilenet' },
    device: { type: 'string', default: 'local' },
    networks: { type: 'string', default: '60' },
    others: { type: 'string', default: '50' },
    store: { type: 'string' },
    measure: { type: 'string' },
  },
});

/** Number of networks measured side by side, as in `nas latency fit`. */
const groupSize = 20;

/** Smaller calibration sets that are compared, too. */
const fewer = [5, 10, 20, 40, 60];
/** The benchmark warns below this share of reliable measurements, or above this change of all times. */
const [leastReliable, mostChange] = [0.75, 0.03];

type Reading = Pick<Measurement, 'ms' | 'interval' | 'reliable' | 'reasons'>;
/** Measurements by network. */
type Store = Record<string, Reading>;

/** Measures networks side by side and sends their latencies to the parent process. */
async function measureGroup(genotypes: readonly Genotype[]): Promise<Reading[]> {
  tf.enableProdMode();
  const { space } = await parseSpace(options.space);
  const device = createDevice(parseDevice(options.device), { space });
  const subjects = genotypes.map((genotype) => untrainedSubject(space, genotype, 1));
  const measurements = await device.measureAll(subjects);
  return measurements.map(({ ms, interval, reliable, reasons }) => ({ ms, interval, reliable, reasons }));
}

const inNewProcess = (genotypes: readonly Genotype[]): Promise<Reading[]> =>
  new Promise((resolve, reject) => {
    const args = ['--measure', JSON.stringify(genotypes), '--space', options.space, '--device', options.device];
    const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--import', 'tsx'] });
    child.once('message', (readings) => resolve(readings as Reading[]));
    child.once('exit', (code) => reject(new Error(`the measuring process ended with exit code ${String(code)}`)));
  });

/** Measures the networks missing from the store, each group in its own process. */
async function measureAll(genotypes: readonly Genotype[], store: Store): Promise<void> {
  const missing = genotypes.filter((genotype) => !(genotypeId(genotype) in store));
  for (let start = 0; start < missing.length; start += groupSize) {
    const group = missing.slice(start, start + groupSize);
    const readings = await inNewProcess(group);
    for (const [i, genotype] of group.entries()) store[genotypeId(genotype)] = readings[i];
    if (options.store !== undefined) writeFileAtomic(options.store, JSON.stringify(store));
    console.error(`${Math.min(start + groupSize, missing.length)} of ${missing.length} measured`);
  }
}

/** Random networks outside `known`. */
function drawOthers(space: Space, count: number, known: readonly Genotype[]): Genotype[] {
  const random = new Random(1, 'latency-prediction');
  const seen = new Set(known.map(genotypeId));
  const others: Genotype[] = [];
  while (others.length < count) {
    const genotype = sampleGenotype(space, random);
    if (seen.has(genotypeId(genotype))) continue;
    seen.add(genotypeId(genotype));
    others.push(genotype);
  }
  return others;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function main(): Promise<void> {
  const { space } = await parseSpace(options.space);
  const chosen = selectCalibration(space, Number(options.networks), new Random(0, 'calibration'));
  const others = drawOthers(space, Number(options.others), chosen);
  const store: Store =
    options.store !== undefined && existsSync(options.store)
      ? (JSON.parse(readFileSync(options.store, 'utf8')) as Store)
      : {};
  await measureAll(chosen, store);
  await measureAll(others, store);
  const observed = (genotypes: readonly Genotype[]): Observation[] =>
    genotypes.map((genotype) => {
      return { network: space.build(genotype), ms: store[genotypeId(genotype)].ms };
    });
  const calibration = observed(chosen);
  const began = performance.now();
  const model = fitLatencyModel(calibration);
  const fitMs = performance.now() - began;
  const known = crossValidate(calibration);
  const pairs = observed(others).map(({ network, ms }) => ({ predicted: model.predict(network).ms, measured: ms }));
  const { mape, spearman, within5, within10 } = validate(pairs);
  const errors = pairs.map(({ predicted, measured }) => predicted / measured - 1).sort((a, b) => a - b);
  const all = [...chosen, ...others].map((genotype) => store[genotypeId(genotype)]);
  console.log(`${space.name}, ${options.device}: ${chosen.length} designed networks, ${others.length} random ones`);
  console.log(
    `  latencies           ${Math.min(...all.map(({ ms }) => ms)).toFixed(3)} to ${Math.max(...all.map(({ ms }) => ms)).toFixed(3)} ms`,
  );
  console.log(`  rated reliable      ${all.filter(({ reliable }) => reliable).length} of ${all.length}`);
  console.log(`  fitted in           ${fitMs.toFixed(0)} ms; cross-validated error ${known.mape.toFixed(2)} %`);
  console.log(
    `  mean error          ${mape.toFixed(2)} %, from ${percent(errors[0])} to ${percent(errors.at(-1) ?? NaN)}`,
  );
  console.log(`  within 5 %, 10 %    ${percent(within5)}, ${percent(within10)}`);
  console.log(`  Spearman            ${spearman.toFixed(4)}`);
  for (const count of fewer.filter((each) => each <= chosen.length)) {
    // The first networks of a design are a smaller design.
    const { mape: error } = validateModel(fitLatencyModel(calibration.slice(0, count)), observed(others));
    console.log(`  of ${count} networks`.padEnd(22) + `${error.toFixed(2)} %`);
  }
  const factor = median(pairs.map(({ predicted, measured }) => measured / predicted));
  for (const warning of disturbances(all, factor)) console.log(`  disturbed: ${warning}`);
}

/**
 * Reasons to distrust the figures.
 * @param factor median of measured / predicted latency of the random networks.
 */
function disturbances(all: readonly Reading[], factor: number): string[] {
  const reliable = all.filter((reading) => reading.reliable).length;
  return [
    ...(reliable < leastReliable * all.length
      ? [`only ${reliable} of ${all.length} measurements are reliable; other programs use the machine`]
      : []),
    ...(Math.abs(factor - 1) > mostChange ? [`all times changed by ${percent(factor - 1)} after the fit`] : []),
  ];
}

if (options.measure === undefined) await main();
else {
  const readings = await measureGroup(JSON.parse(options.measure) as Genotype[]);
  process.send?.(readings, () => process.exit(0));
}
