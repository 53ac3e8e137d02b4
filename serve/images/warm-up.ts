import sharp from 'sharp';
import type { ImageSize } from '../models/model.js';
import { createDecoder, type DecoderOptions } from './decoder.js';

/** Nobody waits for it. */
const patienceMs = 60_000;

/** Decodes an image of its own, by a decoder of its own: the first one takes as long as a hundred, and would be a client's. */
export async function warmUp(size: ImageSize, options: DecoderOptions): Promise<void> {
  const picture = { width: size[1], height: size[0], channels: 3, background: 'black' } as const;
  const file = await sharp({ create: picture }).jpeg().toBuffer();
  const deadline = performance.now() + patienceMs;
  await createDecoder(options).decode(file, { size, deadline, isGone: () => false });
}
