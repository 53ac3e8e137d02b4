import { NasError } from '../../../base/errors.js';
import type { Environment } from '../../../latency-models/index.js';

/** What latencies depend on most. How busy the machine was, and which processors it might use, are not among them. */
const telling = ['device', 'cpu', 'provider', 'adapter', 'threads', 'batch', 'precision', 'runtime'] as const;

/** Latency is measured otherwise than before: the new numbers do not compare with those that are stored. */
export class OtherEnvironment extends NasError {
  /** @param tag of the workers that measure, where they do */
  constructor(differences: string, tag?: string) {
    const where = tag === undefined ? 'Go on where the run began' : `Give the tag ${tag} to machines of one kind alone`;
    super('invalid-input', `latency was measured in another environment before: ${differences}`, {
      hint: `${where}; or let both kinds of latency steer it, with --accept-environment.`,
    });
  }
}

/** `threads 1, now 4; cpu A, now B`; empty when latencies compare. What one of them does not tell is no difference. */
export const environmentDifferences = (
  before: Readonly<Partial<Record<keyof Environment, unknown>>>,
  now: Readonly<Partial<Record<keyof Environment, unknown>>>,
): string =>
  telling
    .filter((key) => before[key] !== undefined && now[key] !== undefined && before[key] !== now[key])
    .map((key) => `${key} ${String(before[key])}, now ${String(now[key])}`)
    .join('; ');
