import type { ImageSize, Model } from '../models/model.js';
import type { Outcome } from './engine.js';
import type { SlabLayout } from './slab.js';
import type { Input } from './types.js';

/** What an inference thread starts with. */
export interface ThreadSetup {
  readonly models: readonly Model[];
  readonly size: ImageSize | null;
  readonly slab: SlabLayout;
}

/** To a thread: a batch whose inputs lie in the slab, so that only this goes between threads; or its end. */
export type Order =
  | {
      readonly kind: 'run';
      readonly slot: number;
      readonly network: number;
      readonly inputs: readonly Input['kind'][];
    }
  | { readonly kind: 'close' };

/** From a thread: its networks are open, or are not, and then it ends; or what came of the batch of a slot. */
export type Report =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused'; readonly message: string }
  | ({ readonly kind: 'done'; readonly slot: number } & Outcome)
  | { readonly kind: 'failed'; readonly slot: number; readonly message: string };
