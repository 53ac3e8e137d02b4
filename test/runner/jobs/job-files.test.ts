import { expect, it } from 'vitest';
import { relocateJob, type PathUse } from '../../../runner/jobs/job-files.js';
import type { DatasetRef } from '../../../trainers/index.js';
import { compiled, tinyTrain } from '../../trainers/support/tiny-training.js';
import { tinyStudent } from '../../trainers/support/networks.js';

const rendering = (side: number) => ({ size: [side, side] as const, directory: `/cache/${side}` });
const dataset: DatasetRef = {
  directory: '/cache/own',
  renderings: [rendering(7), rendering(8)],
  test: 0.1,
  validation: 0.1,
  subset: 1,
};

it('a job takes along the images in the sizes of its networks only', () => {
  const taken: string[] = [];
  const at = (path: string, { kind }: PathUse): string => {
    if (kind === 'input') taken.push(path);
    return `/there${path}`;
  };
  const network = tinyStudent({ size: 8 });
  const fit = { network, seed: 1, train: tinyTrain, dataset, teacher: null, engine: compiled, threads: 1 };
  const moved = relocateJob<'train'>({ kind: 'train', fit: { ...fit, directory: '/work' } }, at);
  expect(moved.fit.dataset).toEqual({
    ...dataset,
    directory: '/there/cache/own',
    renderings: [{ size: [8, 8], directory: '/there/cache/8' }],
  });
  expect(taken).toEqual(['/cache/own', '/cache/8']);
  const unlabelled = {
    directory: '/cache/more',
    copies: '/cache/copies.json',
    renderings: [rendering(7), rendering(8)],
  };
  const learned = { ...fit, dataset: { ...dataset, unlabelled }, directory: '/work' };
  expect(relocateJob<'train'>({ kind: 'train', fit: learned }, at).fit.dataset.unlabelled).toEqual({
    directory: '/there/cache/more',
    copies: '/there/cache/copies.json',
    renderings: [{ size: [8, 8], directory: '/there/cache/8' }],
  });
  const own = relocateJob<'train'>({ kind: 'train', fit: { ...fit, network: tinyStudent(), directory: '/work' } }, at);
  expect(own.fit.dataset.renderings).toBeUndefined();
});
