import { invalidInput, messageOf } from '../../base/errors.js';
import { badCells, columnIndex, genotypeOf, parseNumber, type Csv, type Space } from '../../spaces/index.js';
import { buildAsWritten } from './as-written.js';
import { Catalogue, type Profile } from './layer-features.js';

/** Latencies of the same networks on several devices. */
export interface DeviceTable {
  readonly catalogue: Catalogue;
  readonly profiles: readonly Profile[];
  /** Latencies in ms by device, in the order of the profiles. */
  readonly latencies: ReadonlyMap<string, readonly number[]>;
}

/** Pairs of equal rows that a message names. */
const named = 3;

function column(csv: Csv, device: string): number[] {
  const at = columnIndex(csv, device);
  const values = csv.rows.map((row) => parseNumber(row[at]) ?? NaN);
  const bad = [...values.keys()].filter((row) => !(values[row] > 0 && values[row] < Infinity));
  if (bad.length > 0) throw badCells(csv, at, bad, 'a latency above 0 in ms');
  return values;
}

function requireDistinct({ file, rows, lines }: Csv, columns: readonly number[]): void {
  const first = new Map<string, number>();
  const twice: string[] = [];
  for (const [i, row] of rows.entries()) {
    const key = columns.map((at) => row[at]).join('\u001f');
    const before = first.get(key);
    if (before === undefined) first.set(key, lines[i]);
    else twice.push(`${before} and ${lines[i]}`);
  }
  if (twice.length === 0) return;
  const more = twice.length > named ? ` and ${twice.length - named} more pairs` : '';
  throw invalidInput(`${file}: rows are there twice: lines ${twice.slice(0, named).join(', ')}${more}`, {
    hint: 'Keep one row of each network.',
  });
}

/**
 * Reads latencies of a space's networks on some devices: columns under the names of the decisions and of the devices;
 * all others are ignored.
 *
 * @throws NasError `invalid-input` naming lines and columns: a column that is missing (with the nearest name), a choice
 *   that the space does not have, a latency that is missing or not above 0, a network with two rows.
 */
export function readDeviceTable(csv: Csv, space: Space, devices: readonly string[]): DeviceTable {
  const columns = space.decisions.map(({ name }) => columnIndex(csv, name));
  const latencies = new Map(devices.map((device) => [device, column(csv, device)]));
  requireDistinct(csv, columns);
  const build = buildAsWritten(space);
  const catalogue = new Catalogue();
  const profiles = csv.rows.map((row, i) => {
    const cells = Object.fromEntries(space.decisions.map(({ name }, j) => [name, row[columns[j]]]));
    try {
      return catalogue.profile(build(genotypeOf(space.decisions, cells)));
    } catch (error) {
      throw invalidInput(`${csv.file}, line ${csv.lines[i]}: ${messageOf(error)}`, { cause: error });
    }
  });
  return { catalogue, profiles, latencies };
}
