import { z } from 'zod';
import { invalidInput } from '../base/errors.js';
import { blocksPlan, blocksSchema } from './types/blocks.js';
import { efficientnetPlan, efficientnetSchema } from './types/efficientnet.js';
import { mobilenetPlan, mobilenetSchema } from './types/mobilenet.js';
import { loadModuleSpace, moduleSchema } from './types/module.js';
import { nasBench201Schema, nasBench201Space } from './types/nas-bench-201.js';
import { networkFeatures } from './describe.js';
import type { Space, Task } from './space.js';
import { createStagedSpace } from './staged/space.js';

/** `space:`; which networks there are to choose from. */
export const spaceSchema = z.discriminatedUnion('type', [
  mobilenetSchema,
  efficientnetSchema,
  blocksSchema,
  nasBench201Schema,
  moduleSchema,
]);
export type SpaceConfig = z.output<typeof spaceSchema>;

export interface CreateSpaceOptions {
  /** What relative paths start from: the experiment file's folder; default the working directory. */
  readonly directory?: string;
}

/**
 * Creates the search space of a configuration. A space without `features` of its own gets `networkFeatures`.
 * @throws NasError `invalid-input` with the key path (`space.stages[2].stride`) when the space is impossible
 */
export async function createSpace(config: SpaceConfig, task: Task, options: CreateSpaceOptions = {}): Promise<Space> {
  const space = await plainSpace(config, task, options);
  // Spreading an instance of a user's class would lose its methods.
  const isPlain = Object.getPrototypeOf(space) === Object.prototype;
  if (space.features !== undefined || !isPlain) return space;
  return { ...space, features: (genotype) => networkFeatures(space.build(genotype)) };
}

/** Types of spaces whose networks may answer with maps; a module makes its own networks. */
const detecting: ReadonlySet<SpaceConfig['type']> = new Set(['mobilenet', 'efficientnet', 'blocks', 'module']);

async function plainSpace(config: SpaceConfig, task: Task, options: CreateSpaceOptions): Promise<Space> {
  if (task.maps !== undefined && !detecting.has(config.type))
    throw invalidInput(
      `space.type: the networks of ${config.type} are classifiers, and the data has ${task.maps === 'segmentation' ? 'masks' : 'boxes'}`,
      {
        hint: 'Use a space of type mobilenet, efficientnet or blocks.',
      },
    );
  switch (config.type) {
    case 'mobilenet':
      return createStagedSpace(mobilenetPlan(config, task));
    case 'efficientnet':
      return createStagedSpace(efficientnetPlan(config, task));
    case 'blocks':
      return createStagedSpace(blocksPlan(config, task));
    case 'nas-bench-201':
      return nasBench201Space(config, task);
    case 'module':
      return loadModuleSpace(config, task, options.directory ?? process.cwd());
  }
}

const cifar10: Task = { input: [32, 32, 3], classes: 10 };
const tinyImagenet: Task = { input: [64, 64, 3], classes: 200 };
const imagenet: Task = { input: [224, 224, 3], classes: 1000 };

/** Presets for images smaller than ImageNet's. */
const smallPresets: Readonly<Record<string, Task>> = { tiny: cifar10, small: tinyImagenet };

/** The images and classes that a ready-made space is designed for, for work that needs no data; null for user spaces. */
export function defaultTask(config: SpaceConfig): Task | null {
  switch (config.type) {
    case 'nas-bench-201':
      return cifar10;
    case 'mobilenet':
    case 'efficientnet':
      return smallPresets[config.preset ?? 'tiny'] ?? imagenet;
    case 'blocks':
    case 'module':
      return null;
  }
}
