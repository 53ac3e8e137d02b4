import type { ImageHeader, ImageKind } from './header.js';

/** Milliseconds for a megapixel before an image of the kind was decoded here. */
const initialRates: { readonly [K in ImageKind]: number } = {
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

const keyOf = ({ kind, width, height }: ImageHeader): string =>
  `${kind} ${Math.round(Math.log2(Math.max(1, width * height)) / 2)}`;

/** An older average is forgotten, so that refused images are tried again. */
const rememberedMs = 2000;

interface Average {
  ms: number;
  at: number;
}

/** Predicts decode times by kind and size, from the times of earlier images. */
export class DecodeTimes {
  /** By kind and size class; each class has four times the pixels of the one before. */
  private readonly averages = new Map<string, Average>();

  /** @param now clock in ms */
  constructor(private readonly now: () => number) {}

  expectedMs(header: ImageHeader): number {
    const known = this.recent(keyOf(header));
    return known?.ms ?? leastMs + (initialRates[header.kind] * header.width * header.height) / 1e6;
  }

  observe(header: ImageHeader, ms: number): void {
    const key = keyOf(header);
    const before = this.expectedMs(header);
    // One image that waited for a processor changes the average little.
    const deviation = Math.max(-learning.most, Math.min(learning.most, Math.log(ms / before)));
    this.averages.set(key, { ms: before * Math.exp(learning.share * deviation), at: this.now() });
  }

  private recent(key: string): Average | undefined {
    const known = this.averages.get(key);
    return known !== undefined && this.now() - known.at <= rememberedMs ? known : undefined;
  }
}
