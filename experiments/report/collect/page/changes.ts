import type { EventRecord, Store, Training } from '../../../../store/index.js';
import type { CandidateKey, Changes, EpochChange } from '../../../page/api.js';
import { collectColumns } from './columns.js';
import { logOf } from './log.js';
import { changedBy, type Member, type RunMemory } from './memory.js';

/** The most events that one answer tells of. */
const most = 5000;

const keyOf = ({ number, precision }: Member): CandidateKey => ({ number, precision });

/** The epochs that events tell of, as they were recorded last. */
function epochsOf(store: Store, events: readonly EventRecord[]): EpochChange[] {
  return events.flatMap(({ kind, trial, detail }) => {
    if (kind !== 'epoch') return [];
    // Written by `Curves.add`.
    const { stage, epoch, shrunk } = detail as { stage: Training['stage']; epoch: number; shrunk?: number };
    const training = { stage, ...(trial !== null && { trial }), ...(shrunk !== undefined && { shrunk }) } as Training;
    const found = store.curves.at(training, epoch);
    if (found === undefined) return [];
    const { trainLoss, validationAccuracy } = found;
    return [{ training, epoch, trainLoss, validationAccuracy }];
  });
}

/**
 * What has changed in a run since a cursor: at most 5,000 events are told of at once, so whoever is behind asks again with
 * the answer's cursor until it is `store.events.latest()`. A look at 100 events costs about 5 ms.
 * @param memory what is remembered of the run; it is brought up to now.
 * @param now in ms since 1970.
 * @param first whether the frontier is told even if it is as before: to those who have not heard of it.
 */
export function collectChanges(
  store: Store,
  cursor: number,
  memory: RunMemory,
  { now, first = false }: { readonly now: number; readonly first?: boolean },
): Changes {
  return store.reading(() => {
    memory.catchUp(store);
    const events = store.events.all(cursor, most);
    const isFrontierNew = first || memory.frontierCursor > cursor;
    return {
      cursor: events.at(-1)?.seq ?? cursor,
      ...memory.summary(store, now),
      candidates: collectColumns(store, changedBy(events), memory.facts),
      frontier: isFrontierNew ? memory.frontier.map(keyOf) : null,
      now: memory.activity(store),
      epochs: epochsOf(store, events),
      log: logOf(events),
    };
  });
}
