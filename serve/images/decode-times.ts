import type { ImageHeader, ImageKind } from './header.js';

/** Milliseconds for a megapixel before an image of the kind was decoded here. */
const initialRates: { readonly [K in ImageKind]: number } = {
  pixels: 2,
  jpeg: 1,
  'jpeg, progressive': 5,
  png: 4,
  'png, 16 bit': 5,
  'png, interlaced': 8,
  webp: 15,
};
/** Milliseconds of an image without pixels. */
const leastMs = 1;
/** Share of an image's logarithmic deviation that enters its average, and the largest deviation that counts. */
const learning = { share: 0.2, most: Math.log(4) };

/** An older average is forgotten, so that refused images are tried again. */
const rememberedMs = 2000;
/** More averages are not kept. */
const most = 4096;

interface Average {
  readonly ms: number;
  readonly at: number;
}

/**
 * Predicts decode times by client, kind and size, from the times of earlier images. Clients learn apart: one that sends
 * images which take unusually long must not have the images of others refused.
 */
export class DecodeTimes {
  /** By client, kind and size class, which each has four times the pixels of the one before; the oldest first. */
  private readonly averages = new Map<string, Average>();

  /** @param now clock in ms */
  constructor(private readonly now: () => number) {}

  expectedMs(header: ImageHeader, client: string): number {
    const known = this.averages.get(keyOf(header, client));
    if (known !== undefined && this.now() - known.at <= rememberedMs) return known.ms;
    return leastMs + (initialRates[header.kind] * header.work) / 1e6;
  }

  observe(header: ImageHeader, client: string, ms: number): void {
    const key = keyOf(header, client);
    const before = this.expectedMs(header, client);
    // One image that waited for a processor changes the average little.
    const deviation = Math.max(-learning.most, Math.min(learning.most, Math.log(ms / before)));
    this.averages.delete(key);
    this.averages.set(key, { ms: before * Math.exp(learning.share * deviation), at: this.now() });
    const [oldest] = this.averages.keys();
    if (this.averages.size > most) this.averages.delete(oldest);
  }
}

const keyOf = ({ kind, work }: ImageHeader, client: string): string =>
  `${client} ${kind} ${Math.round(Math.log2(Math.max(1, work)) / 2)}`;
