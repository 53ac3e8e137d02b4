import { invalidInput, messageOf } from '../../base/errors.js';
import { distinctKeys, latencyColumn } from '../../latency-models/predictors/device-table.js';
import { Catalogue, type Profile } from '../../latency-models/predictors/features.js';
import { columnIndex, genotypeOf, type Csv, type Space } from '../../spaces/index.js';

/** Latencies of the same networks on several devices. */
export interface DeviceTable {
  readonly catalogue: Catalogue;
  readonly profiles: readonly Profile[];
  /** Latencies in ms by device, in the order of the profiles. */
  readonly latencies: ReadonlyMap<string, readonly number[]>;
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
  const catalogue = new Catalogue();
  const profiles = csv.rows.map((row, i) => {
    const cells = Object.fromEntries(space.decisions.map(({ name }, j) => [name, row[columns[j]]]));
    try {
      return catalogue.profile(space.build(space.canonical(genotypeOf(space.decisions, cells))));
    } catch (error) {
      throw invalidInput(`${csv.file}, line ${csv.lines[i]}: ${messageOf(error)}`, { cause: error });
    }
  });
  return { catalogue, profiles, latencies };
}
