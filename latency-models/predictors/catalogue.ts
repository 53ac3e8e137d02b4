import { layersOf, type Layer, type Network } from '../../spaces/index.js';
import { declaredTerms } from './executions.js';
import { describeLayer, keyOf, type LayerFeatures, type Term } from './layer-features.js';

/** How often a network executes each distinct layer, and the operations that its cells are written with. */
export interface Profile {
  /** Positions in the catalogue, ascending, each once. */
  readonly layers: readonly number[];
  /** How often each occurs. */
  readonly counts: readonly number[];
  readonly declared: readonly Term[];
  /** Nothing of the input reaches the output; what remains of such a network differs from device to device. */
  readonly isConstant: boolean;
}

/** A measured network, taken apart. */
export interface Sample {
  readonly profile: Profile;
  readonly ms: number;
}

/** The distinct layers that occur in some networks. */
export class Catalogue {
  readonly layers: LayerFeatures[] = [];
  private readonly positions = new Map<string, number>();

  /** The layers of a network that take time, entered into the catalogue where they are new. */
  profile(network: Network): Profile {
    const all = layersOf(network);
    return {
      ...this.count(all),
      declared: declaredTerms(network),
      isConstant: all.some(({ kind }) => kind === 'zero'),
    };
  }

  /** Those of some layers that take time. */
  count(all: readonly Layer[]): Pick<Profile, 'layers' | 'counts'> {
    const found = new Map<number, number>();
    for (const layer of all)
      if (this.takesTime(layer)) found.set(this.position(layer), (found.get(this.position(layer)) ?? 0) + 1);
    const layers = [...found.keys()].sort((a, b) => a - b);
    return { layers, counts: layers.map((i) => found.get(i) ?? 0) };
  }

  /** Whether a layer does anything of its own: batch norm, ReLU and dropout are part of what comes before. */
  takesTime(layer: Layer): boolean {
    return this.layers[this.position(layer)].terms.length > 0;
  }

  private position(layer: Layer): number {
    const key = keyOf(layer);
    const known = this.positions.get(key);
    if (known !== undefined) return known;
    const position = this.layers.push(describeLayer(layer, key)) - 1;
    this.positions.set(key, position);
    return position;
  }
}
