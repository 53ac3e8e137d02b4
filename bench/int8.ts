/**
 * Int8 beside fp32 and ONNX Runtime's own quantizer (Python, if installed): speed and accuracy.
 *
 * Method. Speed: each network and its quantized forms are open in one process with one thread, and their blocks of runs are
 * interleaved as latency devices interleave them; weights are untrained. Tables show processor time, with wall time in
 * brackets. Accuracy: small networks of every activation and block, trained on Fashion-MNIST and CIFAR-10 (cached in the
 * output folder), quantized with 512 training images; validation images choose the method, and 10,000 test images give the
 * accuracy in exact arithmetic.
 *
 *   npm run bench:int8 -- --speed [--batches 1,8] [--members 6] [--only mobilenetv2]
 *   npm run bench:int8 -- --accuracy
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf, NasError } from '../base/errors.js';
import type { DatasetRef } from '../trainers/index.js';
import { evaluateQuantized, type AccuracyRow } from './int8/accuracy.js';
import { describeMachine } from './int8/machine.js';
import { imageSet, type ImageSet, trainedSubjects, trainSubject } from './int8/networks.js';
import { findPeer, type Peer } from './int8/peer.js';
import { memberSubjects, publishedSubjects, quickstartSubjects } from './int8/speed-subjects.js';
import { summarise, timeSubject, type MembersRow, type SpeedRow } from './int8/speed.js';
import { accuracyTable, machineText, membersTable, speedTable } from './int8/tables.js';

const { values: options } = parseArgs({
  options: {
    speed: { type: 'boolean', default: false },
    accuracy: { type: 'boolean', default: false },
    /** Parts of network names, separated by commas. */
    only: { type: 'string', default: '' },
    batches: { type: 'string', default: '1,8' },
    /** Number of random networks of each space. */
    members: { type: 'string', default: '6' },
    /** Maximum number of blocks of runs of each model. */
    blocks: { type: 'string', default: '30' },
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

async function trained(peer: Peer | null): Promise<{ rows: AccuracyRow[]; skipped: string[] }> {
  const rows: AccuracyRow[] = [];
  for (const subject of trainedSubjects.filter(wanted)) {
    const dataset = await imagesFor(subject.images);
    if (typeof dataset === 'string') continue;
    const row = await evaluateQuantized(await trainSubject(subject, dataset, folder), peer);
    progress(
      `${subject.images}, ${subject.name}: fp32 ${row.fp32}, int8 ${row.chosen.accuracy} (${row.chosen.method})`,
    );
    rows.push(row);
  }
  const skipped = [...imageSets].flatMap(([images, found]) =>
    typeof found === 'string' ? [`${images} is skipped: ${found}`] : [],
  );
  return { rows, skipped };
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const all = options.speed === options.accuracy;
  const machine = await describeMachine();
  const peer = await findPeer(options.python);
  const available = typeof peer === 'string' ? null : peer;
  const notes = [
    typeof peer === 'string' ? peer : `python: ONNX Runtime ${peer.version}`,
    ...(machine.load > 0.5 ? [`the machine was busy at the start (load ${machine.load}): trust only ratios`] : []),
  ];
  const times = all || options.speed ? await speed(available) : null;
  const quality = all || options.accuracy ? await trained(available) : null;
  if (options.json) {
    console.log(JSON.stringify({ machine, notes, ...times, quality }, null, 2));
    return;
  }
  console.log(machineText(machine));
  for (const note of [...notes, ...(quality?.skipped ?? [])]) console.log(`Note: ${note}`);
  if (times !== null) console.log(speedTable(times.rows));
  if (times !== null && times.members.length > 0) console.log(membersTable(times.members));
  if (quality !== null) console.log(accuracyTable(quality.rows));
}

try {
  await main();
} catch (error) {
  progress(`error: ${messageOf(error)}${error instanceof NasError && error.hint ? `\n${error.hint}` : ''}`);
  process.exitCode = error instanceof NasError ? error.exitCode : 1;
}
