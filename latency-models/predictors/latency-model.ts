import type { LayerTime } from '../device.js';
import type { Network } from '../../spaces/index.js';
import type { Catalogue, Profile } from './catalogue.js';

/** A latency that was predicted, with the model's own opinion of it. */
export interface Prediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** Share of the network's work that the model has evidence for, in [0, 1]; below 1 the rest is extrapolated. */
  readonly coverage: number;
}

/** A network and what was measured for it. */
export interface Observation {
  readonly network: Network;
  readonly ms: number;
  /** The times of its layers, where the device can tell them. */
  readonly layers?: readonly LayerTime[];
}

/** A fitted latency model; plain data in and out, so that it can be stored and printed. */
export interface LatencyModel {
  readonly kind: string;
  predict(network: Network): Prediction;
  toJSON(): object;
}

/** A latency model that predicts networks which were taken apart before. */
export interface ProfileModel extends LatencyModel {
  predictProfile(catalogue: Catalogue, profile: Profile): Prediction;
}
