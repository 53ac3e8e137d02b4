import type { Objective } from '../search/index.js';

/** What is known of an objective before anybody writes it down. */
export interface ObjectiveKind {
  readonly direction: Objective['direction'];
  /** `expensive` objectives are known only after training. */
  readonly cost: Objective['cost'];
  /** Unit of the value, and how people read it. */
  readonly unit: 'share' | 'ms' | 'count' | 'bytes';
  readonly title: string;
}

/** Every objective that an experiment can name. */
export const objectiveKinds = {
  accuracy: { direction: 'maximize', cost: 'expensive', unit: 'share', title: 'accuracy' },
  latency_ms: { direction: 'minimize', cost: 'cheap', unit: 'ms', title: 'latency' },
  macs: { direction: 'minimize', cost: 'cheap', unit: 'count', title: 'MACs' },
  params: { direction: 'minimize', cost: 'cheap', unit: 'count', title: 'parameters' },
  activation_bytes: { direction: 'minimize', cost: 'cheap', unit: 'bytes', title: 'activation memory' },
  size_bytes: { direction: 'minimize', cost: 'cheap', unit: 'bytes', title: 'model size' },
} as const satisfies Record<string, ObjectiveKind>;

export type ObjectiveName = keyof typeof objectiveKinds;

export const isObjectiveName = (name: string): name is ObjectiveName => Object.hasOwn(objectiveKinds, name);
