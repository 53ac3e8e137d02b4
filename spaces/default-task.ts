import type { SpaceConfig } from './schema.js';
import type { Task } from './space.js';

const cifar10: Task = { input: [32, 32, 3], classes: 10 };
const cifar100: Task = { input: [32, 32, 3], classes: 100 };
const tinyImagenet: Task = { input: [64, 64, 3], classes: 200 };
const imagenet: Task = { input: [224, 224, 3], classes: 1000 };

/** Presets for images smaller than ImageNet's. */
const smallPresets: Readonly<Record<string, Task>> = { tiny: cifar10, small: tinyImagenet };

/**
 * The images and classes that a ready-made space is for: what work on latency takes, which needs no data. Null for
 * spaces of one's own.
 */
export function defaultTask(config: SpaceConfig): Task | null {
  switch (config.type) {
    case 'fbnet':
      return config.preset === 'imagenet' ? imagenet : cifar100;
    case 'nas-bench-201':
      return cifar10;
    case 'ofa-mobilenetv3':
      return imagenet;
    case 'mobilenet':
    case 'efficientnet':
      return smallPresets[config.preset ?? 'tiny'] ?? imagenet;
    case 'blocks':
    case 'module':
      return null;
  }
}
