/**
 * Int8 beside fp32 and ONNX Runtime's own quantizer (Python, if installed): speed, accuracy, and agreement between runtimes.
 *
 * Method. Speed: each network and its quantized forms are open in one process with one thread, and their blocks of runs are
 * interleaved as latency devices interleave them; weights are untrained. Tables show processor time, with wall time in
 * brackets. Accuracy: small networks of every activation and block, trained on Fashion-MNIST and CIFAR-10 (cached in the
 * output folder), quantized with 512 training images; validation images choose the method, and 10,000 test images give the
 * accuracy in exact arithmetic. Agreement: the same files and images in onnxruntime-node, Python and a browser.
 *
 *   npm run bench:int8 -- --speed [--batches 1,8] [--members 6] [--only mobilenetv2]
 *   npm run bench:int8 -- --accuracy --agreement
 *   npm run bench:int8 -- --formats
 *   npm run bench:int8 -- --quantize-aware [--only relu6]    at least a minute per network; only on request
 *   npm run bench:int8 -- --search [--experiment experiments/int8.yaml]    at least half an hour; only on request
 *
 * Search: the experiment with float networks alone and with int8 candidates, for equal trials and epochs. The table compares
 * both frontiers and the float frontier quantized afterwards: hypervolume of validation error and of latency, measured anew
 * side by side, up to a common reference (1.1 of the range of all candidates).
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, NasError } from '../base/errors.js';
import { describeDataset, type DatasetRef } from '../trainers/index.js';
import { evaluateQuantized, type AccuracyRow } from './int8/accuracy.js';
import { type AgreementRow, compareRuntimes, compareUntrained } from './int8/agreement.js';
import { compareSearches } from './int8/fronts.js';
import { timeFormats, type FormatRow } from './int8/formats.js';
import { describeMachine } from './int8/machine.js';
import { imageSet, type ImageSet, trainedSubjects, trainSubject } from './int8/networks.js';
import { findPeer, type Peer } from './int8/peer.js';
import { fineTune, type QuantizeAwareRow } from './int8/quantize-aware.js';
import { memberSubjects, publishedSubjects, quickstartSubjects } from './int8/speed-subjects.js';
import { summarise, timeSubject, type MembersRow, type SpeedRow } from './int8/speed.js';
import {
  accuracyTable,
  agreementTable,
  formatsTable,
  frontsTable,
  machineText,
  membersTable,
  quantizeAwareTable,
  speedTable,
} from './int8/tables.js';

const { values: options } = parseArgs({
  options: {
    speed: { type: 'boolean', default: false },
    accuracy: { type: 'boolean', default: false },
    agreement: { type: 'boolean', default: false },
    formats: { type: 'boolean', default: false },
    'quantize-aware': { type: 'boolean', default: false },
    search: { type: 'boolean', default: false },
    experiment: { type: 'string', default: 'experiments/int8.yaml' },
    /** Parts of network names, separated by commas. */
    only: { type: 'string', default: '' },
    batches: { type: 'string', default: '1,8' },
    /** Number of random networks of each space. */
    members: { type: 'string', default: '6' },
    /** Maximum number of blocks of runs of each model. */
    blocks: { type: 'string', default: '30' },
    /** Number of images that every runtime gets. */
    images: { type: 'string', default: '512' },
    python: { type: 'string', default: '/usr/bin/python3' },
    json: { type: 'boolean', default: false },
    output: { type: 'string', short: 'o', default: 'runs/bench-int8' },
  },
});
const progress = (line: string): void => void process.stderr.write(`${line}\n`);
const folder = resolve(options.output);
const only = options.only.split(',').filter((part) => part !== '');
const wanted = ({ name }: { readonly name: string }): boolean =>
  only.length === 0 || only.some((part) => name.includes(part));

async function speed(peer: Peer | null): Promise<{ rows: SpeedRow[]; members: MembersRow[] }> {
  const setting = { batches: options.batches.split(',').map(Number), peer, blocks: Number(options.blocks), progress };
  const rows: SpeedRow[] = [];
  for (const subject of [...(await publishedSubjects()), ...(await quickstartSubjects())].filter(wanted))
    rows.push(...(await timeSubject(subject, setting)));
  const members: MembersRow[] = [];
  if (Number(options.members) === 0) return { rows, members };
  for (const [space, subjects] of await memberSubjects(Number(options.members))) {
    const timed: SpeedRow[] = [];
    for (const subject of subjects.filter(wanted)) timed.push(...(await timeSubject(subject, setting)));
    if (timed.length > 0) members.push(summarise(space, timed));
  }
  return { rows, members };
}

/** Image sets by name; a string is the reason why one is missing. */
const imageSets = new Map<ImageSet, DatasetRef | string>();
async function imagesFor(images: ImageSet): Promise<DatasetRef | string> {
  const found = imageSets.get(images) ?? (await imageSet(images, folder).catch(messageOf));
  if (typeof found === 'string' && !imageSets.has(images)) progress(`${images} is skipped: ${found}`);
  imageSets.set(images, found);
  return found;
}

async function trained(
  peer: Peer | string,
): Promise<{ rows: AccuracyRow[]; agreement: AgreementRow[]; skipped: string[] }> {
  const rows: AccuracyRow[] = [];
  const agreement: AgreementRow[] = [];
  for (const subject of trainedSubjects.filter(wanted)) {
    const dataset = await imagesFor(subject.images);
    if (typeof dataset === 'string') continue;
    const network = await trainSubject(subject, dataset, folder);
    const { row, files } = await evaluateQuantized(network, typeof peer === 'string' ? null : peer);
    progress(
      `${subject.images}, ${subject.name}: fp32 ${row.fp32}, int8 ${row.chosen.accuracy} (${row.chosen.method})`,
    );
    rows.push(row);
    if (!options.agreement) continue;
    const batches = files.test.slice(0, Math.ceil(Number(options.images) / files.test[0].size));
    const task = { input: network.network.input, classes: describeDataset(dataset).classes.length };
    const name = `${subject.images}: ${subject.name}`;
    const compare = (weights: string, model: Uint8Array): Promise<AgreementRow> =>
      compareRuntimes({ name, weights, model }, batches, task, peer);
    agreement.push(await compare('8 bits', files.int8), await compare('7 bits', files.int7));
  }
  // The published networks that have a target speed-up.
  for (const subject of options.agreement ? (await publishedSubjects()).filter(({ bar }) => bar !== undefined) : [])
    if (wanted(subject)) agreement.push(...(await compareUntrained(subject, peer)));
  const skipped = [...imageSets].flatMap(([images, found]) =>
    typeof found === 'string' ? [`${images} is skipped: ${found}`] : [],
  );
  return { rows, agreement, skipped };
}

/** Times other formats of the first published network and of the largest quickstart network. */
async function otherFormats(peer: Peer | null): Promise<FormatRow[]> {
  const subjects = [...(await publishedSubjects()).slice(0, 1), ...(await quickstartSubjects()).slice(-1)];
  const rows: FormatRow[] = [];
  for (const subject of subjects) rows.push(...(await timeFormats(subject, peer, Number(options.blocks))));
  return rows;
}

async function fineTuned(): Promise<QuantizeAwareRow[]> {
  const rows: QuantizeAwareRow[] = [];
  for (const subject of trainedSubjects.filter(wanted)) {
    const dataset = await imagesFor(subject.images);
    if (typeof dataset === 'string') continue;
    rows.push(...(await fineTune(await trainSubject(subject, dataset, folder), folder)));
    progress(`${subject.images}, ${subject.name}: fine-tuned`);
  }
  return rows;
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { speed: withSpeed, accuracy, agreement, formats: withFormats, search } = options;
  const tuning = options['quantize-aware'];
  const all = ![withSpeed, accuracy, agreement, withFormats, tuning, search].includes(true);
  const machine = await describeMachine();
  const peer = await findPeer(options.python);
  const available = typeof peer === 'string' ? null : peer;
  const notes = [
    typeof peer === 'string' ? peer : `python: ONNX Runtime ${peer.version}`,
    ...(machine.load > 0.5 ? [`the machine was busy at the start (load ${machine.load}): trust only ratios`] : []),
  ];
  const times = all || withSpeed ? await speed(available) : null;
  const quality = all || accuracy || agreement ? await trained(peer) : null;
  const formats = all || withFormats ? await otherFormats(available) : null;
  const tuned = tuning ? await fineTuned() : null;
  const fronts = search
    ? await compareSearches({ experiment: options.experiment, folder, blocks: Number(options.blocks), progress })
    : null;
  if (options.json) {
    console.log(JSON.stringify({ machine, notes, ...times, quality, formats, tuned, fronts }, null, 2));
    return;
  }
  console.log(machineText(machine));
  for (const note of [...notes, ...(quality?.skipped ?? [])]) console.log(`Note: ${note}`);
  if (times !== null) console.log(speedTable(times.rows));
  if (times !== null && times.members.length > 0) console.log(membersTable(times.members));
  if (quality !== null) console.log(accuracyTable(quality.rows));
  if (quality !== null && quality.agreement.length > 0) console.log(agreementTable(quality.agreement));
  if (formats !== null) console.log(formatsTable(formats));
  if (tuned !== null) console.log(quantizeAwareTable(tuned));
  if (fronts !== null) console.log(frontsTable(fronts));
}

try {
  await main();
} catch (error) {
  progress(`error: ${messageOf(error)}${error instanceof NasError && error.hint ? `\n${error.hint}` : ''}`);
  process.exitCode = error instanceof NasError ? error.exitCode : 1;
}
