import type { Model } from '../models/model.js';
import { pixelLayout } from './pixel-layout.js';
import { valueCount } from './inputs.js';
import type { Input } from './pool.js';
import type { Outcome } from './engine.js';

type Kind = Input['kind'];

/** Layout of a slab: plain data that is sent to a thread. */
export interface SlabLayout {
  readonly buffer: SharedArrayBuffer;
  /** Images per slot. */
  readonly images: number;
  /** Bytes of an image of each kind, per network. */
  readonly bytes: readonly { readonly [K in Kind]: number }[];
}

/** Shared memory for the inputs of `slots` batches; the system allocates a page at its first write. */
export function slabLayout(
  models: readonly Model[],
  { slots, images }: { readonly slots: number; readonly images: number },
): SlabLayout {
  const pixels = pixelLayout(models).bytes;
  const bytes = models.map((model) => ({ pixels, values: valueCount(model.size) * Float32Array.BYTES_PER_ELEMENT }));
  return { buffer: new SharedArrayBuffer(slots * images * strideOf(bytes)), images, bytes };
}

/** Distance of two images in a slot: the largest image of any kind, rounded up to four bytes. */
const strideOf = (bytes: SlabLayout['bytes']): number =>
  Math.ceil(Math.max(...bytes.map(({ pixels, values }) => Math.max(pixels, values))) / 4) * 4;

/** Batch inputs in memory shared by two threads: one writes a slot and sends a message, the other reads the slot. */
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

  /** Views of a batch's inputs, without a copy. */
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

export interface ThreadSetup {
  readonly models: readonly Model[];
  readonly slab: SlabLayout;
}

/** Message to a thread: compute the batch in a slot of the slab, or close. */
export type Order =
  | {
      readonly kind: 'run';
      readonly slot: number;
      readonly network: number;
      readonly inputs: readonly Input['kind'][];
    }
  | { readonly kind: 'close' };

/** Message from a thread: its networks are open or refused, or the batch of a slot is done or failed. */
export type Report =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly message: string }
  | ({ readonly kind: 'done'; readonly slot: number } & Outcome)
  | { readonly kind: 'failed'; readonly slot: number; readonly message: string };
