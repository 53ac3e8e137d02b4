import Table from 'cli-table3';
import type { AccuracyRow, Quality } from './accuracy.js';
import type { Machine } from './machine.js';
import type { MembersRow, SpeedRow } from './speed.js';
import type { Timed } from './timing.js';
import { countsOf } from '../../base/group.js';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const built = new Table({
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  });
  built.push(...rows.map((row) => [...row]));
  return built.toString();
}

const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M`;
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1);
const ms = ({ cpu, wall }: Timed): string => `${digits(cpu)} (${digits(wall)})`;
const digits = (value: number): string => value.toFixed(value < 1 ? 3 : value < 10 ? 2 : 1);
const percent = (share: number, places = 2): string => (100 * share).toFixed(places);
const change = (to: number, from: number): string => `${to < from ? '' : '+'}${percent(to - from)}`;

/** Speed-up by CPU time and, in brackets, by wall time. */
const ratio = (slow: Timed, fast: Timed): string =>
  `${(slow.cpu / fast.cpu).toFixed(2)} (${(slow.wall / fast.wall).toFixed(2)})`;

/** For example `2 Softmax, 1 Mul`. */
const counted = (names: readonly string[]): string =>
  [...countsOf(names)].map(([name, count]) => `${count} ${name}`).join(', ');

export const machineText = (machine: Machine): string => {
  const { processor, cores, flags, vnni, integers, node, onnxruntime, load } = machine;
  const kernels = vnni === null ? 'VNNI unknown' : vnni ? 'VNNI' : 'no VNNI';
  const known = flags === null ? '' : ` (${flags.join(', ')})`;
  return (
    `${processor}, ${cores} cores${known}: ${kernels}, sums of bytes ${integers}; ` +
    `onnxruntime-node ${onnxruntime}, Node.js ${node}, load ${load}`
  );
};

export const speedTable = (rows: readonly SpeedRow[]): string =>
  table(
    [
      'network',
      'pixels',
      'MACs',
      'batch',
      'MB',
      'fp32 ms',
      'int8 ms',
      '7 bits ms',
      'python ms',
      'gain',
      'gain, 7',
      'python / ours',
      'bar with VNNI',
      'float operators',
    ],
    rows.map((row) => [
      row.name,
      `${row.pixels}`,
      millions(row.macs),
      `${row.batch}`,
      `${megabytes(row.bytes.fp32)} -> ${megabytes(row.bytes.int8)}`,
      ms(row.fp32),
      ms(row.int8),
      ms(row.int7),
      row.peer === null ? '-' : ms(row.peer),
      ratio(row.fp32, row.int8),
      ratio(row.fp32, row.int7),
      row.peer === null ? '-' : ratio(row.peer, row.int8),
      row.bar === null ? '' : row.bar.toFixed(2),
      counted(row.floats),
    ]),
  );

export const membersTable = (rows: readonly MembersRow[]): string =>
  table(
    ['space', 'networks', 'fp32 ms', 'gain: least', 'median', 'most', 'Spearman'],
    rows.map(({ space, networks, fp32, gain, spearman }) => [
      space,
      `${networks}`,
      `${digits(fp32[0])} to ${digits(fp32[1])}`,
      gain.min.toFixed(2),
      gain.median.toFixed(2),
      gain.max.toFixed(2),
      spearman.toFixed(2),
    ]),
  );

export function accuracyTable(rows: readonly AccuracyRow[]): string {
  const cell = (quality: Quality | null, fp32: number): string =>
    quality === null ? '-' : `${change(quality.accuracy, fp32)} / ${percent(quality.agreement, 1)}`;
  return table(
    ['network', 'fp32 %', 'minmax', '99.99 %', 'chosen', 'chosen, 7 bits', 'chosen, not exact', 'python'],
    rows.map((row) => [
      `${row.images}: ${row.name}`,
      percent(row.fp32),
      cell(row.minmax, row.fp32),
      cell(row.percentile, row.fp32),
      `${row.chosen.method} ${cell(row.chosen, row.fp32)}`,
      `${row.chosen7.method} ${cell(row.chosen7, row.fp32)}`,
      cell(row.plain, row.fp32),
      cell(row.peer, row.fp32),
    ]),
  );
}
