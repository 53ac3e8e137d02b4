import type { ImageSize, Model } from '../models/model.js';
import { valueCount } from './image-size.js';
import type { Input } from './types.js';

type Kind = Input['kind'];

/** What is where in a slab: plain data, which goes to a thread. */
export interface SlabLayout {
  readonly buffer: SharedArrayBuffer;
  /** Images of a slot. */
  readonly images: number;
  /** Bytes of an image of each kind, by network. */
  readonly bytes: readonly { readonly [K in Kind]: number }[];
}

/** Memory for the inputs of as many batches as there are slots; the system gives a page when it is first written to. */
export function slabLayout(
  models: readonly Model[],
  { size, slots, images }: { readonly size: ImageSize | null; readonly slots: number; readonly images: number },
): SlabLayout {
  const pixels = size === null ? 0 : valueCount(size);
  const bytes = models.map((model) => ({ pixels, values: valueCount(model.size) * Float32Array.BYTES_PER_ELEMENT }));
  return { buffer: new SharedArrayBuffer(slots * images * strideOf(bytes)), images, bytes };
}

/** The images of a batch lie one after the other in its slot, whatever their kinds, at multiples of four bytes. */
const strideOf = (bytes: SlabLayout['bytes']): number =>
  Math.ceil(Math.max(...bytes.map(({ pixels, values }) => Math.max(pixels, values))) / 4) * 4;

/** Inputs of batches in memory that two threads share: one writes a slot, then tells the other, which reads it. */
export class Slab {
  private readonly stride: number;

  constructor(private readonly layout: SlabLayout) {
    this.stride = strideOf(layout.bytes);
  }

  write(slot: number, inputs: readonly Input[]): void {
    const { buffer } = this.layout;
    for (const [i, { kind, data }] of inputs.entries()) {
      const at = this.at(slot, i);
      if (kind === 'pixels') new Uint8Array(buffer, at, data.length).set(data);
      else new Float32Array(buffer, at, data.length).set(data);
    }
  }

  /** The inputs of a batch as they lie there, not copied. */
  read(slot: number, network: number, kinds: readonly Kind[]): Input[] {
    const { buffer, bytes } = this.layout;
    const { pixels, values } = bytes[network];
    return kinds.map((kind, i) =>
      kind === 'pixels'
        ? { kind, data: new Uint8Array(buffer, this.at(slot, i), pixels) }
        : { kind, data: new Float32Array(buffer, this.at(slot, i), values / Float32Array.BYTES_PER_ELEMENT) },
    );
  }

  private at(slot: number, image: number): number {
    return (slot * this.layout.images + image) * this.stride;
  }
}
