import type { Objective } from '../search/index.js';
// Not through trainers/index.js: that loads TF.js, which lists of results can do without.
import type { ProxyName } from '../trainers/proxies/names.js';

/** What is known of an objective before anybody writes it down. */
export interface ObjectiveKind {
  readonly direction: Objective['direction'];
  /** When a value is known at the earliest. */
  readonly cost: Objective['cost'];
  /** Unit of the value, and how people read it. */
  readonly unit: 'share' | 'ms' | 'count' | 'bytes' | 'score';
  readonly title: string;
}

const proxy = { direction: 'maximize', cost: 'untrained', unit: 'score' } as const;

/** What untrained networks tell; the larger, the better. */
const proxyKinds = {
  synflow: { ...proxy, title: 'synaptic flow' },
  gradnorm: { ...proxy, title: 'gradient norm' },
  snip: { ...proxy, title: 'SNIP' },
  naswot: { ...proxy, title: 'NASWOT' },
} as const satisfies Record<ProxyName, ObjectiveKind>;

/** Every objective that an experiment can name. */
export const objectiveKinds = {
  accuracy: { direction: 'maximize', cost: 'expensive', unit: 'share', title: 'accuracy' },
  latency_ms: { direction: 'minimize', cost: 'cheap', unit: 'ms', title: 'latency' },
  macs: { direction: 'minimize', cost: 'cheap', unit: 'count', title: 'MACs' },
  params: { direction: 'minimize', cost: 'cheap', unit: 'count', title: 'parameters' },
  activation_bytes: { direction: 'minimize', cost: 'cheap', unit: 'bytes', title: 'activation memory' },
  size_bytes: { direction: 'minimize', cost: 'cheap', unit: 'bytes', title: 'model size' },
  ...proxyKinds,
} as const satisfies Record<string, ObjectiveKind>;

export type ObjectiveName = keyof typeof objectiveKinds;

export const isObjectiveName = (name: string): name is ObjectiveName => Object.hasOwn(objectiveKinds, name);

export const isProxyName = (name: string): name is ProxyName => Object.hasOwn(proxyKinds, name);
