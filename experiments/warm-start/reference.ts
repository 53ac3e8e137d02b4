import { invalidInput } from '../../base/errors.js';
import {
  nearestGenotype,
  presetNetworks,
  type DecisionSpace,
  type Genotype,
  type Space,
  type Task,
} from '../../spaces/index.js';

/** A space whose genotypes are networks for a task; spaces of tables have none. */
export interface Networks {
  readonly space: Space;
  readonly task: Task;
}

type PresetName = keyof typeof presetNetworks;

const isPreset = (name: string): name is PresetName => Object.hasOwn(presetNetworks, name);

/**
 * The genotype nearest to a reference network: `mobilenet`, or `mobilenet-x0.5` at half its width.
 * @throws NasError `invalid-input` when there is no such reference, or the space has no networks.
 */
export function referenceGenotype(name: string, space: DecisionSpace, networks: Networks | null): Genotype {
  const parts = /^(.+?)(?:-x(\d*\.?\d+))?$/.exec(name);
  const preset = parts?.[1] ?? '';
  const width = Number(parts?.at(2) ?? 1);
  if (!isPreset(preset) || !(width > 0)) {
    throw invalidInput(
      `got "${name}"; expected ${Object.keys(presetNetworks).join(' or ')}, with -x0.5 for half the width, or a map from decisions to choices`,
    );
  }
  if (networks === null)
    throw invalidInput(
      `got "${name}"; the space ${space.name} is a table without networks: expected the choices of a row`,
    );
  return nearestGenotype(networks.space, presetNetworks[preset](networks.task, width));
}
