import * as tf from '@tensorflow/tfjs-core';
import { createSpace } from '../../../spaces/index.js';
import { convertInitial } from '../../initial-weights/index.js';
import type { JobContext, JobOf } from './jobs.js';

/** Writes trained weights of a file as those that networks of a space start from. */
export async function initialJob(
  { path, space: { config, task }, dataset, file, meta }: JobOf<'initial'>,
  { onEvent }: JobContext,
): Promise<null> {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const space = await createSpace(config, task);
  const onProgress = (done: number, total: number) => onEvent({ kind: 'count', done, total, what: 'images' });
  await convertInitial(path, { space, dataset, file, meta, onProgress });
  return null;
}
