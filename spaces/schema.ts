import { z } from 'zod';
import { blocksSchema } from './types/blocks.js';
import { efficientnetSchema } from './types/efficientnet.js';
import { fbnetSchema } from './types/fbnet.js';
import { mobilenetSchema } from './types/mobilenet.js';
import { moduleSchema } from './types/module.js';
import { nasBench201Schema } from './types/nas-bench-201.js';
import { ofaMobilenetv3Schema } from './types/ofa-mobilenetv3.js';

/** `space:`; which networks there are to choose from. */
export const spaceSchema = z.discriminatedUnion('type', [
  mobilenetSchema,
  efficientnetSchema,
  blocksSchema,
  fbnetSchema,
  nasBench201Schema,
  ofaMobilenetv3Schema,
  moduleSchema,
]);
export type SpaceConfig = z.output<typeof spaceSchema>;
