import { isDeepStrictEqual } from 'node:util';
import { executedBy } from '../../compiler/index.js';
import { halveWeights } from '../../deploy/index.js';
import { defaultProtocol } from '../../latency-models/index.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import type { Peer } from './peer.js';
import type { SpeedSubject } from './speed-subjects.js';
import { timeModels, type Timed } from './timing.js';

/** Formats other than static int8. */
export const formats = ['fp16 weights', 'int8 weights', 'dynamic int8'] as const;
export type Format = (typeof formats)[number];

/** Null if the format needs the peer and it is unavailable. */
const converters: {
  readonly [F in Format]: (model: Uint8Array, peer: Peer | null) => Promise<Uint8Array> | Uint8Array | null;
} = {
  'fp16 weights': (model) => halveWeights(model, 'the model'),
  'int8 weights': (model, peer) => peer?.convert(model, 'weights') ?? null,
  'dynamic int8': (model, peer) => peer?.convert(model, 'dynamic') ?? null,
};

/** One network in one format, at batch 1. */
export interface FormatRow {
  readonly name: string;
  readonly format: Format;
  readonly bytes: { readonly fp32: number; readonly converted: number };
  readonly fp32: Timed;
  readonly converted: Timed;
  /** Precision of the computation and of stored weights after optimisation. */
  readonly executed: string;
  /** Whether the optimised graph has the same operators as the fp32 file. */
  readonly sameOperators: boolean;
}

/** Times a network in every available format, side by side. */
export async function timeFormats(subject: SpeedSubject, peer: Peer | null, blocks: number): Promise<FormatRow[]> {
  const { name, network } = subject;
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const made: { readonly format: Format; readonly bytes: Uint8Array }[] = [];
  for (const format of formats) {
    const bytes = await converters[format](model, peer);
    if (bytes !== null) made.push({ format, bytes });
  }
  const protocol = { ...defaultProtocol, minRuns: 2, minBlocks: Math.min(15, blocks), maxBlocks: blocks };
  const [fp32, ...timed] = await timeModels([model, ...made.map(({ bytes }) => bytes)], 1, protocol);
  const own = await executedBy(model);
  const rows: FormatRow[] = [];
  for (const [i, { format, bytes }] of made.entries()) {
    const { operators, precision, weights } = await executedBy(bytes);
    rows.push({
      name,
      format,
      bytes: { fp32: model.length, converted: bytes.length },
      fp32,
      converted: timed[i],
      executed: precision === weights ? precision : `${precision}, weights ${weights}`,
      sameOperators: isDeepStrictEqual(operators, own.operators),
    });
  }
  return rows;
}
