import type { DatasetInfo } from '../../trainers/index.js';
import { sandwichMacs, type SpaceCosts } from './compute.js';

/** A method's experiment, and its costs besides the epochs of its trials. */
export interface Method {
  /** Further keys of the experiment. */
  readonly parts: { readonly search: object; readonly [key: string]: object };
  /** Epochs of a whole training. */
  readonly epochs: number;
  /** Multiply-accumulates before the first trial, for one image an epoch. */
  readonly before: number;
  /** The stage after which networks count as found. */
  readonly found: 'search' | 'final';
  /** The cost of an untrained trial, in epochs. */
  readonly evaluation: number;
}

/** Common to all methods. */
export interface MethodSetting {
  readonly trials: number;
  /** Trials of a search with freeze-thaw. */
  readonly frozen: number;
  readonly epochs: number;
  /** `train:` of a whole training. */
  readonly train: { readonly epoch_share: number; readonly optimizer: { readonly learning_rate: number } };
  readonly space: SpaceCosts;
  readonly counts: DatasetInfo['counts'];
}

type Methods = Readonly<Record<string, Method>>;

const fromNothing = (epochs: number, search: object): Method => ({
  parts: { search: { parallel: 1, ...search } },
  epochs,
  before: 0,
  found: 'search',
  evaluation: 0,
});

/** Search methods; candidates are trained from scratch. */
export const controllers = ({ trials, frozen, epochs }: MethodSetting): Methods => ({
  random: fromNothing(epochs, { controller: 'random', trials }),
  'NSGA-II': fromNothing(epochs, { controller: 'nsga2', trials }),
  surrogate: fromNothing(epochs, { controller: 'surrogate', trials }),
  // Three times as many networks; one in three is trained for longer, and one in nine completely.
  'surrogate + ASHA': fromNothing(epochs, {
    controller: 'surrogate',
    trials: 3 * trials,
    fidelity: { type: 'asha', min_epochs: 1, eta: 3 },
  }),
  'surrogate + freeze-thaw': fromNothing(epochs, {
    controller: 'surrogate',
    trials: frozen,
    fidelity: { type: 'freeze-thaw', min_epochs: Math.max(1, Math.round(epochs / 6)) },
  }),
});

/** Random networks of a sandwich. */
const random = 2;
/** Images from which a member's batch norm statistics are computed. */
const calibration = 2048;

/** Sources of a candidate's accuracy. Trainings from a supernet have a quarter of the epochs, at a lower rate. */
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
  /** As many as the compute besides the supernet allows. */
  const inherited = Math.max(4, Math.round((trials * epochs - before / space.mean) / quarter));
  return {
    train: fromNothing(epochs, { evaluate: 'train', trials }),
    inherit: {
      ...fromNothing(quarter, {}),
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
      // Without the backward pass, which is two thirds of a training.
      evaluation: (calibration + counts.validation) / (3 * train.epoch_share * counts.train),
    },
  };
}
