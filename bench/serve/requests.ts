import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { product } from '../../base/statistics.js';
import { Random } from '../../base/random.js';
import type { LoadRequest } from './load/plan.js';

type Shape = readonly [height: number, width: number, channels: number];

/** Equivalent requests for `nas serve` and for the peers, with the same body. */
export interface Requests {
  /** For `nas serve`. */
  readonly ours: LoadRequest;
  /** For the peers. */
  readonly theirs: LoadRequest;
}

/** A body of raw tensor bytes, which the Open Inference Protocol accepts with a JSON header of length 0. */
function tensorRequests(body: string, path: string, model: string): Requests {
  const headers = { 'content-type': 'application/octet-stream' };
  return {
    ours: { path: `/v2/models/${model}/infer`, headers: { ...headers, 'inference-header-content-length': '0' }, body },
    theirs: { path, headers, body },
  };
}

/** Normalised float32 values, the input of a network. */
export function rawRequests(folder: string, shape: Shape, model: string): Requests {
  const random = new Random(1, 'raw');
  const body = join(folder, 'values.bin');
  writeFileSync(body, new Uint8Array(Float32Array.from({ length: product(shape) }, () => random.normal()).buffer));
  return tensorRequests(body, '/raw', model);
}

/** Pixel bytes at the network's input size. */
export function pixelRequests(folder: string, shape: Shape, model: string): Requests {
  const random = new Random(1, 'pixels');
  const body = join(folder, 'pixels.bin');
  writeFileSync(
    body,
    Uint8Array.from({ length: product(shape) }, () => random.int(256)),
  );
  return tensorRequests(body, '/pixels', model);
}

/** A JPEG of 640 x 480 with soft shapes and grain, which compresses about as well as a photograph. */
export async function imageRequests(folder: string): Promise<Requests> {
  const random = new Random(1, 'image');
  const noise = (width: number, height: number, least: number, most: number) =>
    sharp(
      Uint8Array.from({ length: 3 * width * height }, () => least + random.int(most - least)),
      {
        raw: { width, height, channels: 3 },
      },
    );
  const grain = await noise(640, 480, 112, 144).png().toBuffer();
  const body = join(folder, 'image.jpg');
  await sharp(await noise(16, 12, 0, 256).resize(640, 480, { kernel: 'cubic', fit: 'fill' }).png().toBuffer())
    .composite([{ input: grain, blend: 'soft-light' }])
    .jpeg({ quality: 85 })
    .toFile(body);
  const headers = { 'content-type': 'image/jpeg' };
  return { ours: { path: '/v1/classify', headers, body }, theirs: { path: '/image', headers, body } };
}
