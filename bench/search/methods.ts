import { Random } from '../../base/random.js';
import { costs, extremes, sampleGenotype, type Space } from '../../spaces/index.js';
import type { DatasetInfo } from '../../trainers/index.js';

const samples = 400;

/** MACs of the smallest and largest network of a space, and the mean over random networks. */
interface SpaceCosts {
  readonly smallest: number;
  readonly largest: number;
  readonly mean: number;
}

export function spaceCosts(space: Space): SpaceCosts {
  const random = new Random(1, 'space costs');
  const macs = Array.from({ length: samples }, () => costs(space.build(sampleGenotype(space, random))).macs);
  const { smallest, largest } = extremes(space);
  return {
    smallest: smallest.costs.macs,
    largest: largest.costs.macs,
    mean: macs.reduce((a, b) => a + b, 0) / samples,
  };
}

/** MACs of a sandwich step on one image with `networks` random networks. */
const sandwichMacs = ({ smallest, largest, mean }: SpaceCosts, networks: number): number =>
  largest + smallest + networks * mean;

/** A method's experiment, and its costs other than the epochs of its trials. */
export interface Method {
  /** Further keys of the experiment. */
  readonly parts: { readonly search: object; readonly [key: string]: object };
  /** Epochs of a complete training. */
  readonly epochs: number;
  /** MACs before the first trial, for one image per epoch. */
  readonly before: number;
  /** The stage whose networks are the result. */
  readonly found: 'search' | 'final';
  /** Cost of a trial without training, in epochs. */
  readonly evaluation: number;
}

/** Settings common to all methods. */
interface MethodSetting {
  readonly trials: number;
  /** Trials of a search with freeze-thaw. */
  readonly frozen: number;
  readonly epochs: number;
  /** `train:` of a complete training. */
  readonly train: { readonly epoch_share: number; readonly optimizer: { readonly learning_rate: number } };
  readonly space: SpaceCosts;
  readonly counts: DatasetInfo['counts'];
}

type Methods = Readonly<Record<string, Method>>;

const fromScratch = (epochs: number, search: object): Method => ({
  parts: { search: { parallel: 1, ...search } },
  epochs,
  before: 0,
  found: 'search',
  evaluation: 0,
});

/** Search methods that train candidates from scratch. */
export const controllers = ({ trials, frozen, epochs }: MethodSetting): Methods => ({
  random: fromScratch(epochs, { controller: 'random', trials }),
  surrogate: fromScratch(epochs, { controller: 'surrogate', trials }),
  // Three times the networks: a third of them trains for longer, and a ninth completely.
  'surrogate + ASHA': fromScratch(epochs, {
    controller: 'surrogate',
    trials: 3 * trials,
    fidelity: { type: 'asha', min_epochs: 1, eta: 3 },
  }),
  'surrogate + freeze-thaw': fromScratch(epochs, {
    controller: 'surrogate',
    trials: frozen,
    fidelity: { type: 'freeze-thaw', min_epochs: Math.max(1, Math.round(epochs / 6)) },
  }),
});

/** Number of random networks in a sandwich. */
const random = 2;
/** Number of images for calibrating a member's batch norm. */
const calibration = 2048;

/** Sources of a candidate's accuracy. Training from a supernet takes a quarter of the epochs at half the learning rate. */
export function evaluations({ trials, epochs, train, space, counts }: MethodSetting): Methods {
  const { optimizer } = train;
  const quarter = Math.max(1, Math.round(epochs / 4));
  const before = epochs * sandwichMacs(space, random);
  const shared = {
    supernet: { epochs, networks: random, calibration, optimizer },
    train: {
      ...train,
      epochs: quarter,
      warmup_epochs: 0,
      optimizer: { ...optimizer, learning_rate: 0.5 * optimizer.learning_rate },
    },
  };
  /** Number of trials that use the compute left by the supernet. */
  const inherited = Math.max(4, Math.round((trials * epochs - before / space.mean) / quarter));
  return {
    train: fromScratch(epochs, { evaluate: 'train', trials }),
    inherit: {
      ...fromScratch(quarter, {}),
      parts: { ...shared, search: { parallel: 1, evaluate: 'inherit', trials: inherited } },
      before,
    },
    supernet: {
      parts: {
        ...shared,
        search: { parallel: 1, evaluate: 'supernet', trials: 2 * inherited },
        final: { epochs: quarter },
      },
      epochs: quarter,
      before,
      found: 'final',
      // Without the backward pass, which takes two thirds of a training step.
      evaluation: (calibration + counts.validation) / (3 * train.epoch_share * counts.train),
    },
  };
}
