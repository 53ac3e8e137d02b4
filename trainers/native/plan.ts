import type { Buffer, NativeNetwork } from '../../compiler/native/passes.js';
import { product } from '../../base/statistics.js';
import type { Network } from '../../spaces/index.js';
import { weightSpecs } from '../../spaces/models/index.js';
import { backwardPasses } from './backward.js';
import { Buffers, kernelNames, type Ends } from './fields.js';
import { forwardPasses } from './forward.js';
import { Gradients } from './gradients.js';
import { type Arrays, arraysOf, Memory, type Place, placesOf } from './memory.js';
import { unitsOf } from './read-units.js';
import type { NormLayer, Unit, Unsupported } from './units.js';

export interface PlanOptions {
  /** Images of a batch. */
  readonly batch: number;
  /** Number of ranges into which a batch is cut. Each has its own sums: results depend on this number, not on the threads. */
  readonly chunks: number;
  /** Names of weights that are not trained. */
  readonly frozen?: ReadonlySet<string>;
  /**
   * Where the weights lie, by name: members of a supernet use parts of shared arrays, and their moving statistics may have no
   * place (then there are no passes for inference). Default: in arrays of the network's own.
   */
  readonly places?: ReadonlyMap<string, Place>;
  /** Whether norms keep their moving statistics and are by these in training, too; default false. */
  readonly frozenNorms?: boolean | undefined;
}

const normNames = ({ name }: NormLayer): string[] => [`${name}/gamma`, `${name}/beta`];

/** The trainable weights of a unit. */
function weightNames(unit: Unit): string[] {
  switch (unit.kind) {
    case 'convolution':
      return [...kernelNames(unit.layer), ...(unit.output.norm === null ? [] : normNames(unit.output.norm))];
    case 'expand':
      return [
        ...kernelNames(unit.expansion),
        ...normNames(unit.norm),
        ...kernelNames(unit.layer),
        ...(unit.output.norm === null ? [] : normNames(unit.output.norm)),
      ];
    case 'squeeze':
      return [unit.reduce, unit.expand].flatMap(({ name }) => [`${name}/kernel`, `${name}/bias`]);
    case 'norm':
    case 'window':
      return unit.output.norm === null ? [] : normNames(unit.output.norm);
    case 'sum':
    case 'double':
    case 'pool':
    case 'map':
      return [];
  }
}

/** The slices of places. */
const arraysAt = (places: ReadonlyMap<string, Place>): Arrays => ({
  weights: new Map([...places].map(([name, { weight }]) => [name, weight])),
  gradients: new Map([...places].flatMap(([name, { gradient }]) => (gradient === null ? [] : [[name, gradient]]))),
});

/** A network's training and inference as passes of the native library, up to the global pooling. */
export function planNetwork(network: Network, options: PlanOptions): NativeNetwork | Unsupported {
  const { batch, chunks, frozen = new Set(), frozenNorms = false } = options;
  const units = unitsOf(network);
  if ('unsupported' in units) return units;
  const specs = weightSpecs(network);
  const arrays =
    options.places === undefined
      ? arraysOf(specs, ({ name, trainable }) => trainable && !frozen.has(name))
      : arraysAt(options.places);
  const memory = new Memory(batch, chunks, options.places ?? placesOf(network, specs, arrays));
  const buffers = new Buffers(memory, frozenNorms);
  const last = units.at(-1);
  if (last?.kind !== 'pool' && last?.kind !== 'map') throw new Error('a network ends with a global pooling or a map');
  const kept = (name: string, shape: readonly number[]): Buffer => ({ name, floats: product(shape), kept: true });
  const { shape } = last.input.point.map;
  const width = last.kind === 'pool' ? shape[2] : product(shape);
  const ends: Ends = {
    images: kept('images', [batch, ...network.input]),
    features: kept('features', [batch, width]),
    featureGradients: kept('feature_gradients', [batch, width]),
  };
  const gradients = new Gradients(units, (unit) => weightNames(unit).some((name) => memory.isTrained(name)));
  return {
    passes: {
      forward: forwardPasses(units, buffers, ends, gradients),
      backward: backwardPasses(units, buffers, gradients, ends),
      inference: specs.every(({ name }) => memory.has(name)) ? forwardPasses(units, buffers, ends, null) : [],
    },
    ...ends,
    ...arrays,
  };
}
