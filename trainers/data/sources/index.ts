import type { DataConfig } from '../schema.js';
import { cifar10, cifar100, openCifar } from './cifar.js';
import { openFashionMnistIdx } from './fashion-mnist.js';
import { openFashionMnistPackage } from './fashion-mnist-package.js';
import { openImageFolder } from './image-folder.js';
import type { DataSource } from './source.js';

export { splitNames } from './source.js';
export type { DataSource, ImageBlock, SplitName } from './source.js';

/** The source that a `data:` config names. Throws NasError `invalid-input` when files are missing or damaged. */
export async function openSource(config: DataConfig): Promise<DataSource> {
  switch (config.type) {
    case 'fashion-mnist':
      return config.path === undefined ? openFashionMnistPackage() : openFashionMnistIdx(config.path);
    case 'cifar10':
      return openCifar(config.path, cifar10);
    case 'cifar100':
      return openCifar(config.path, cifar100);
    case 'image-folder':
      return openImageFolder(config.path, config);
  }
}
