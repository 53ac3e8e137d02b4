import { invalidInput, messageOf } from '../../base/errors.js';
import {
  badCells,
  cellReader,
  columnIndex,
  genotypeOf,
  parseNumber,
  type Csv,
  type Genotype,
  type Network,
  type Space,
} from '../../spaces/index.js';
import { Catalogue, type Profile } from './features.js';

/** Latencies of the same networks on several devices. */
export interface DeviceTable {
  readonly catalogue: Catalogue;
  readonly profiles: readonly Profile[];
  /** Latencies in ms by device, in the order of the profiles. */
  readonly latencies: ReadonlyMap<string, readonly number[]>;
}

/**
 * Builds networks as tables write them: cells keep their dead branches, which canonical networks do not have and which
 * frameworks without a graph compiler execute.
 */
export function buildAsWritten(space: Space): (genotype: Genotype) => Network {
  const cellOf = cellReader(space.decisions);
  if (cellOf === undefined) return (genotype) => space.build(space.canonical(genotype));
  return (genotype) => {
    const network = space.build(space.canonical(genotype));
    const cell = cellOf(genotype);
    return { ...network, blocks: network.blocks.map((block) => (block.kind === 'cell' ? { ...block, cell } : block)) };
  };
}

/** Separates the cells of a key; it occurs in no cell. */
export const keySeparator = '\u001f';

/** Most pairs of equal rows in a message. */
const maxNamed = 3;

/**
 * The latencies of a column by row; NaN for empty cells.
 * @throws NasError `invalid-input` naming the lines whose cells are no latency, including empty ones if all are `required`.
 */
export function latencyColumn(csv: Csv, device: string, required: boolean): number[] {
  const at = columnIndex(csv, device);
  const values = csv.rows.map((row) => parseNumber(row[at]) ?? NaN);
  const isBad = (row: number): boolean =>
    !(values[row] > 0 && values[row] < Infinity) && (required || csv.rows[row][at] !== '');
  const bad = [...values.keys()].filter(isBad);
  const expected = `a latency above 0 in ms${required ? '' : ', or nothing where none is known'}`;
  if (bad.length > 0) throw badCells(csv, at, bad, expected);
  return values;
}

/**
 * The network of each row: its cells, joined by `keySeparator`.
 * @throws NasError `invalid-input` when two rows are of the same network.
 */
export function distinctKeys({ file, rows, lines }: Csv, columns: readonly number[]): string[] {
  const keys = rows.map((row) => columns.map((at) => row[at]).join(keySeparator));
  const first = new Map<string, number>();
  const twice: string[] = [];
  for (const [i, key] of keys.entries()) {
    const before = first.get(key);
    if (before === undefined) first.set(key, lines[i]);
    else twice.push(`lines ${before} and ${lines[i]}`);
  }
  if (twice.length === 0) return keys;
  const more = twice.length > maxNamed ? ` and ${twice.length - maxNamed} more` : '';
  throw invalidInput(`${file}: ${twice.slice(0, maxNamed).join(', ')}${more} are of the same network`, {
    hint: 'Keep one row of each network.',
  });
}

/**
 * Reads latencies of a space's networks from the columns with the names of the decisions and devices; other columns are
 * ignored.
 *
 * @throws NasError `invalid-input` naming lines and columns: a missing column (with the nearest name), a choice that the
 *   space does not have, a latency that is missing or not above 0, a network with two rows.
 */
export function readDeviceTable(csv: Csv, space: Space, devices: readonly string[]): DeviceTable {
  const columns = space.decisions.map(({ name }) => columnIndex(csv, name));
  const latencies = new Map(devices.map((device) => [device, latencyColumn(csv, device, true)]));
  distinctKeys(csv, columns);
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
