import type { Buffer, Slice } from '../../compiler/native/passes.js';
import { weightSpecs, type WeightSpec } from '../../spaces/models/index.js';
import { product } from '../../base/statistics.js';
import type { Network, Shape } from '../../spaces/index.js';

/** Channels of a block of a map. */
const block = 16;
/** The most output channels of a panel of packed weights (`native/pack.h`). */
const panel = 32;

const roundedUp = (count: number, step: number): number => Math.ceil(count / step) * step;

/** Lanes of an array over channels. */
export const lanes = (channels: number): number => roundedUp(channels, block);

/** Floats of packed weights, for either direction. @param values of each pair of channels: of the kernel, or of its transform */
export const packedFloats = (values: number, cin: number, cout: number): number =>
  roundedUp(cout, panel) * values * cin;

/** Floats of packed depthwise weights. */
export const depthwiseFloats = (values: number, channels: number): number => values * lanes(channels);

/** Floats of the sums and second moments of a map's channels, and of what the expansion's norm gives back. */
export const momentFloats = (channels: number): number => (1 + lanes(channels)) * lanes(channels);

/** Where a weight lies: in the first entries of each axis of a kernel or vector of shape `whole`; a kernel's window in the centre. */
export interface Place {
  readonly weight: Slice;
  /** Null: it is not trained. */
  readonly gradient: Slice | null;
  readonly whole: readonly number[];
}

/** Slices at equal distances as one. */
function joined(slices: readonly Slice[], count: number, apart: number): Slice {
  const [{ buffer, from, floats }] = slices;
  if (slices.length !== count || slices.some((slice, i) => slice.buffer !== buffer || slice.from !== from + i * apart))
    throw new Error(`${count} kernels of groups do not lie at equal distances in ${buffer.name}`);
  return { buffer, from, floats: (count - 1) * apart + floats };
}

/** The buffers of a network's passes. Each is made when it is first asked for. */
export class Memory {
  private readonly made = new Map<object, Map<string, Buffer>>();

  constructor(
    readonly batch: number,
    readonly chunks: number,
    private readonly places: ReadonlyMap<string, Place>,
  ) {}

  /** The buffer that `owner` has in this role. */
  of(owner: object, role: string, name: string, floats: number): Buffer {
    const own = this.made.get(owner) ?? new Map<string, Buffer>();
    this.made.set(owner, own);
    const buffer = own.get(role) ?? { name: `${name}/${role}`, floats, kept: false };
    own.set(role, buffer);
    return buffer;
  }

  /** A buffer with a part for each chunk. */
  partial(owner: object, role: string, name: string, floats: number): Buffer {
    return this.of(owner, role, name, this.chunks * floats);
  }

  /** A buffer for a map of this shape. */
  map(owner: object, role: string, name: string, [height, width, channels]: Shape): Buffer {
    return this.of(owner, role, name, this.batch * height * width * lanes(channels));
  }

  place(name: string): Place {
    const place = this.places.get(name);
    if (place === undefined) throw new Error(`there is no place for ${name}`);
    return place;
  }

  /** The places of a convolution's kernels, one for each group, as one. `apart`: floats from a kernel to the next one. */
  kernels(names: readonly string[]): Place & { readonly apart: number } {
    const places = names.map((name) => this.place(name));
    const [{ weight, whole }, next] = places;
    const apart = names.length === 1 ? 0 : next.weight.from - weight.from;
    const all = (slices: readonly Slice[]): Slice => joined(slices, names.length, apart);
    const gradients = places.flatMap(({ gradient }) => gradient ?? []);
    return {
      ...{ whole, apart, weight: all(places.map((place) => place.weight)) },
      gradient: gradients.length === 0 ? null : all(gradients),
    };
  }

  /** Whether a weight has a place: moving statistics that nothing keeps have none. */
  has(name: string): boolean {
    return this.places.has(name);
  }

  weight(name: string): Slice {
    return this.place(name).weight;
  }

  isTrained(name: string): boolean {
    return this.place(name).gradient !== null;
  }
}

export interface Arrays {
  readonly weights: ReadonlyMap<string, Slice>;
  readonly gradients: ReadonlyMap<string, Slice>;
}

/** Weights in one buffer, the trained ones first; their gradients lie at the same positions of another. */
export function arraysOf(specs: readonly WeightSpec[], isTrained: (spec: WeightSpec) => boolean): Arrays {
  const trained = specs.filter(isTrained);
  const others = specs.filter((spec) => !isTrained(spec));
  let end = 0;
  const from = new Map(
    [...trained, ...others].map(({ name, shape }) => {
      const begin = end;
      end += roundedUp(product(shape), block);
      return [name, begin] as const;
    }),
  );
  const inBuffer = (role: string, own: readonly WeightSpec[], floats: number): Map<string, Slice> => {
    const buffer: Buffer = { name: role, floats, kept: true };
    return new Map(own.map(({ name, shape }) => [name, { buffer, from: from.get(name) ?? 0, floats: product(shape) }]));
  };
  const gradientFloats = others.length === 0 ? end : (from.get(others[0].name) ?? 0);
  return { weights: inBuffer('weights', specs, end), gradients: inBuffer('gradients', trained, gradientFloats) };
}

/**
 * The places of a network's weights.
 * @param specs the weights in the arrays: the network's own, or a supernet's
 * @param nameOf the name in the arrays of a weight of the network; default: the same
 */
export function placesOf(
  network: Network,
  specs: readonly WeightSpec[],
  { weights, gradients }: Arrays,
  nameOf = (name: string): string => name,
): ReadonlyMap<string, Place> {
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  return new Map(
    weightSpecs(network).flatMap(({ name }) => {
      const own = nameOf(name);
      const [weight, whole] = [weights.get(own), shapes.get(own)];
      if (weight === undefined || whole === undefined) return [];
      return [[name, { weight, gradient: gradients.get(own) ?? null, whole }]];
    }),
  );
}
