import { networkFeatures } from './network-features.js';
import type { SpaceConfig } from './schema.js';
import type { Space, Task } from './space.js';
import { createStagedSpace } from './staged/space.js';
import { blocksPlan } from './types/blocks.js';
import { efficientnetPlan } from './types/efficientnet.js';
import { fbnetSpace } from './types/fbnet.js';
import { mobilenetPlan } from './types/mobilenet.js';
import { loadModuleSpace } from './types/module.js';
import { nasBench201Space } from './types/nas-bench-201.js';
import { ofaMobilenetv3Space } from './types/ofa-mobilenetv3.js';

export interface CreateSpaceOptions {
  /** What relative paths start from: the experiment file's folder; default the working directory. */
  readonly directory?: string;
}

/**
 * The search space of a configuration for a task; with the features of its networks, where it does not know better.
 *
 * @throws NasError `invalid-input` quoting the key path (`space.stages[2].stride`) when the space is impossible.
 */
export async function createSpace(config: SpaceConfig, task: Task, options: CreateSpaceOptions = {}): Promise<Space> {
  const space = await plainSpace(config, task, options);
  // An object of a class of the user's would lose its methods.
  const isPlain = Object.getPrototypeOf(space) === Object.prototype;
  if (space.features !== undefined || !isPlain) return space;
  return { ...space, features: (genotype) => networkFeatures(space.build(genotype)) };
}

async function plainSpace(config: SpaceConfig, task: Task, options: CreateSpaceOptions): Promise<Space> {
  switch (config.type) {
    case 'mobilenet':
      return createStagedSpace(mobilenetPlan(config, task));
    case 'efficientnet':
      return createStagedSpace(efficientnetPlan(config, task));
    case 'blocks':
      return createStagedSpace(blocksPlan(config, task));
    case 'fbnet':
      return fbnetSpace(config, task);
    case 'nas-bench-201':
      return nasBench201Space(config, task);
    case 'ofa-mobilenetv3':
      return ofaMobilenetv3Space(config, task);
    case 'module':
      return loadModuleSpace(config, task, options.directory ?? process.cwd());
  }
}
