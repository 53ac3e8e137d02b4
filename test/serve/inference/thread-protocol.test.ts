import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Slab, slabLayout } from '../../../serve/inference/thread-protocol.js';
import { pixelLayout } from '../../../serve/inference/pixel-layout.js';
import type { Input } from '../../../serve/inference/pool.js';
import { temporaryFolder } from '../../support/temporary.js';
import { greyNetwork, pixelsOf, writeNetwork } from '../models.js';
import { valuesOf } from '../reference.js';

interface Batch {
  readonly network: number;
  readonly images: readonly { readonly kind: Input['kind']; readonly seed: number }[];
}

const batch: fc.Arbitrary<Batch> = fc.record({
  network: fc.nat(1),
  images: fc.array(fc.record({ kind: fc.constantFrom('pixels' as const, 'values' as const), seed: fc.nat() }), {
    maxLength: 4,
  }),
});

it('a slab returns what was written, for any kinds, slots and networks of different sizes', () => {
  const folder = temporaryFolder();
  const models = [5, 7].map((side) =>
    writeNetwork(folder, greyNetwork({ name: `side-${side}`, size: [side, side, 1] })),
  );
  const { bytes } = pixelLayout(models);
  expect(bytes).toBe(5 * 5 + 7 * 7);
  const slab = new Slab(slabLayout(models, { slots: 2, images: 4 }));
  const inputsOf = ({ network, images }: Batch): Input[] =>
    images.map(({ kind, seed }) =>
      kind === 'pixels'
        ? { kind, data: pixelsOf([1, bytes, 1], seed) }
        : { kind, data: valuesOf(models[network], pixelsOf(models[network].size, seed)) },
    );
  fc.assert(
    fc.property(fc.tuple(batch, batch), (batches) => {
      for (const [slot, batch] of batches.entries()) slab.write(slot, inputsOf(batch));
      for (const [slot, batch] of batches.entries()) {
        const kinds = batch.images.map(({ kind }) => kind);
        const read = slab.read(slot, batch.network, kinds);
        expect(read.map(({ kind, data }) => ({ kind, data: data.slice() }))).toEqual(inputsOf(batch));
      }
    }),
  );
});
