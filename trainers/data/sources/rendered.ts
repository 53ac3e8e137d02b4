import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import { contentHash } from '../../../base/hash.js';
import { renderPixels } from '../../../base/image-pixels.js';
import type { Rendering } from '../../../base/preprocess.js';
import { product } from '../../../base/statistics.js';
import { renderingIdentity } from '../decode.js';
import type { PixelSource, ImageBlock } from './source.js';

/** Images rendered together; bounds the memory. */
const blockSize = 256;

/**
 * A source of pixels in another size. Images of the same size stay as they are: decoding does not matter for opaque pixels.
 */
export function renderedSource(source: PixelSource, rendering: Rendering): PixelSource {
  const [height, width] = rendering.size;
  if (height === source.height && width === source.width && rendering.channels === source.channels) return source;
  const shape = [source.height, source.width, source.channels] as const;
  const bytes = product(shape);
  const own = height * width * rendering.channels;

  async function rendered(queue: PQueue, { pixels, labels, split }: ImageBlock, start: number): Promise<ImageBlock> {
    const count = Math.min(blockSize, labels.length - start);
    const result = new Uint8Array(count * own);
    const render = async (i: number): Promise<void> => {
      const image = pixels.subarray((start + i) * bytes, (start + i + 1) * bytes);
      result.set(await renderPixels(image, shape, rendering), i * own);
    };
    await queue.addAll(Array.from({ length: count }, (_, i) => () => render(i)));
    return { pixels: result, labels: Array.from(labels).slice(start, start + count), split };
  }

  return {
    ...source,
    height,
    width,
    channels: rendering.channels,
    fingerprint: contentHash('rendered', source.fingerprint, ...renderingIdentity(rendering)),
    async *read(signal) {
      const queue = new PQueue({ concurrency: availableParallelism() });
      for await (const block of source.read(signal))
        for (let start = 0; start < block.labels.length; start += blockSize) {
          signal?.throwIfAborted();
          yield await rendered(queue, block, start);
        }
    },
  };
}
