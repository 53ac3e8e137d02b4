import type { Enqueued } from '../../search/index.js';
import type { Store } from '../../store/index.js';

/**
 * Keeps what a run tries first: a resumed run goes on with the same networks, whatever has become of the files that they
 * came from.
 */
export const storeEnqueued = (store: Store, enqueued: readonly Enqueued[]): void =>
  store.events.add({ kind: 'enqueued', detail: enqueued });

/** What `storeEnqueued` kept; none in runs without. */
export function storedEnqueued(store: Store): readonly Enqueued[] {
  const event = store.events.of('enqueued').at(0);
  // Written by `storeEnqueued` only.
  return event === undefined ? [] : (event.detail as readonly Enqueued[]);
}
