import type { Artifacts } from '../artifacts/artifacts.js';
import type { Signals } from '../signals.js';
import type { Identity } from '../wire.js';
import type { Journal } from './journal.js';
import type { Orders } from './orders.js';
import type { Seats } from './seats.js';

/** What the jobs of a run share while they wait for their workers. */
export interface Coordination {
  /** How often a job may be begun. */
  readonly attempts: number;
  readonly artifacts: Artifacts;
  readonly orders: Orders;
  readonly journal: Journal;
  readonly signals: Signals;
  readonly seats: Seats;
  /** Whether the queue server can be reached now. */
  readonly isOnline: () => boolean;
  /** Who does a job now that was begun before this process, by its id in the run; null: nobody knows. */
  readonly whoDoes: (id: string) => Promise<Identity | null>;
  /** Told what went wrong on the way to the server; it is tried again. */
  readonly onTrouble: (message: string) => void;
  /** In ms, only to be compared with itself. */
  readonly clock: () => number;
}
