/**
 * Segmenters from nothing: mIoU after few CPU seconds, by the defaults of the recipe.
 *
 * Method: the network of `bench:detection` with a head of class logits (output stride 8, or `--stride 4`; with `--se 0.25` a gate by
 * the whole image), trained on one thread for each seed, on all images that are not scored: the test images, or with
 * `--scored validation` the validation images. CPU time is that of the training (`fit`). The images are photographs of magnetic tiles
 * with defects, 128 x 128 and grey. `foreground` is the mean IoU without the first class, the background.
 *
 * `--peer folder` writes the images, masks and splits for `bench/segmentation/torch_peer.py` and trains nothing:
 *
 *   npm run bench:segmentation -- [--images folder] [--size 128] [--stride 8] [--se 0] [--train '{"steps": 600}'] [--seeds 1,2,3]
 *   npm run bench:segmentation -- --peer runs/tiles
 *   python3 bench/segmentation/torch_peer.py --data runs/tiles --seconds 300
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataSchema, type DatasetRef, prepareDataset, splitNames, withDataset } from '../trainers/index.js';
import { writeNpy } from './int8/peer.js';
import { benchMaps, mapOptions } from './maps/bench-maps.js';
import { unpackedImages } from './supernet/setting.js';

const { values: options } = parseArgs({
  options: {
    ...mapOptions,
    size: { type: 'string', default: '128' },
    stride: { type: 'string', default: '8' },
    se: { type: 'string', default: '0' },
    train: { type: 'string', default: '{"steps": 600}' },
    peer: { type: 'string' },
    output: { type: 'string', short: 'o', default: 'runs/bench-segmentation' },
  },
});

const path = options.images ?? join(await unpackedImages(options.output, 'tiles', 'tiles'), 'tiles');
const data = dataSchema.parse({ type: 'masks', path, channels: 1, size: Number(options.size) });

/** Writes the images and masks of all splits, one after the other, with the rows of each split. */
const writeForPeer = (dataset: DatasetRef, folder: string): Promise<void> =>
  withDataset(dataset, (open) => {
    const { height, width, channels, classes } = open.info;
    const pixels = height * width;
    const count = splitNames.reduce((sum, name) => sum + open.split(name).count, 0);
    const [images, masks] = [new Uint8Array(count * pixels * channels), new Uint8Array(count * pixels)];
    let first = 0;
    const rows = splitNames.map((name) => {
      const own = open.split(name);
      const positions = Array.from({ length: own.count }, (_, i) => i);
      own.read(positions, images.subarray(first * pixels * channels));
      own.readMasks?.(positions, masks.subarray(first * pixels));
      first += own.count;
      return [name, positions.map((i) => first - own.count + i)] as const;
    });
    mkdirSync(folder, { recursive: true });
    writeNpy(join(folder, 'images.npy'), images, [count, height, width, channels]);
    writeNpy(join(folder, 'masks.npy'), masks, [count, height, width]);
    writeFileSync(join(folder, 'splits.json'), JSON.stringify({ ...Object.fromEntries(rows), classes }));
    return Promise.resolve();
  });

// The peer trains on all images that are not scored, too.
if (options.peer !== undefined)
  await writeForPeer(
    { ...(await prepareDataset(data)), ...(options.scored === 'test' && { validation: 0 }) },
    options.peer,
  );
else
  await benchMaps({
    task: 'segmentation',
    data,
    stride: Number(options.stride),
    se: Number(options.se),
    ofClass: 'iou',
    meanOver: { title: 'foreground', isMember: (label) => label > 0 },
    options,
  });
