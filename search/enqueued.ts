import { genotypeId, type Genotype } from '../spaces/index.js';
import type { Proposal } from './controller.js';
import { enqueuedReason } from './enqueued-name.js';
import type { AskedIds } from './history.js';

/** A genotype that is to be tried before the controller has its say: a baseline, or what another search found. */
export interface Enqueued {
  /** Canonical. */
  readonly genotype: Genotype;
  /** What reports call it. */
  readonly name: string;
}

/**
 * The first enqueued genotype that was not asked yet. It is proposed even when it breaks a cheap constraint: who names a
 * network wants to see what becomes of it.
 */
export function nextEnqueued(enqueued: readonly Enqueued[], asked: AskedIds): Proposal | undefined {
  const next = enqueued.find(({ genotype }) => !asked.has(genotypeId(genotype)));
  return next && { genotype: next.genotype, reason: enqueuedReason(next.name), rejected: 0 };
}
