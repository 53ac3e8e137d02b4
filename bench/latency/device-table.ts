import { invalidInput, messageOf } from '../../base/errors.js';
import { countsOf } from '../../base/group.js';
import { distinctKeys, latencyColumn } from '../../latency-models/predictors/device-table.js';
import { Catalogue, type LayerFeatures, type Profile } from '../../latency-models/predictors/features.js';
import { columnIndex, genotypeOf, type Csv, type Genotype, type Space } from '../../spaces/index.js';

/** Latencies of the same networks on several devices. */
export interface DeviceTable {
  readonly catalogue: Catalogue;
  readonly profiles: readonly Profile[];
  /** Latencies in ms by device, in the order of the profiles. */
  readonly latencies: ReadonlyMap<string, readonly number[]>;
}

/** The columns of a fit: totals of the executed layers, or how often each choice occurs. */
export const columnKinds = ['layers', 'choices'] as const;
export type ColumnKind = (typeof columnKinds)[number];

/**
 * Counts each choice over all decisions that have the same choices. A table may be measured with a program that also executes
 * operations that the output does not depend on.
 */
function choiceProfiles({ layers }: Catalogue, { decisions }: Space): (genotype: Genotype) => Profile {
  const positions = new Map<string, number>();
  const position = (key: string): number => {
    const known = positions.get(key) ?? layers.push(choiceFeatures(key)) - 1;
    positions.set(key, known);
    return known;
  };
  return (genotype) => {
    const chosen = decisions.map(({ choices }, i) =>
      position(`${String(choices[genotype[i]])} of ${choices.join(', ')}`),
    );
    const sorted = [...countsOf(chosen)].sort(([a], [b]) => a - b);
    return { layers: sorted.map(([at]) => at), counts: sorted.map(([, count]) => count), isConstant: false };
  };
}

const choiceFeatures = (key: string): LayerFeatures => ({
  key,
  terms: [[key, 1]],
  work: 1,
  traffic: 0,
  family: 'choice',
});

/**
 * Reads latencies of a space's networks from the columns with the names of the decisions and devices; other columns are
 * ignored.
 *
 * @throws NasError `invalid-input` naming lines and columns: a missing column (with the nearest name), a choice that the
 *   space does not have, a latency that is missing or not above 0, a network with two rows.
 */
export function readDeviceTable(
  csv: Csv,
  space: Space,
  devices: readonly string[],
  kind: ColumnKind = 'layers',
): DeviceTable {
  const columns = space.decisions.map(({ name }) => columnIndex(csv, name));
  const latencies = new Map(devices.map((device) => [device, latencyColumn(csv, device, true)]));
  distinctKeys(csv, columns);
  const catalogue = new Catalogue();
  const profileOf = {
    layers: (genotype: Genotype) => catalogue.profile(space.build(space.canonical(genotype))),
    choices: choiceProfiles(catalogue, space),
  }[kind];
  const profiles = csv.rows.map((row, i) => {
    const cells = Object.fromEntries(space.decisions.map(({ name }, j) => [name, row[columns[j]]]));
    try {
      return profileOf(genotypeOf(space.decisions, cells));
    } catch (error) {
      throw invalidInput(`${csv.file}, line ${csv.lines[i]}: ${messageOf(error)}`, { cause: error });
    }
  });
  return { catalogue, profiles, latencies };
}
