import type { EventKind, EventRecord, Store, Training } from '../../../store/index.js';
import type { CandidateKey, Changes, EpochChange, LogEntry } from '../api.js';
import type { WorkersConfig } from '../../queue/schema.js';
import type { Experiment } from '../../schema/experiment.js';
import { collectColumns } from './columns.js';
import { changedBy, type Member, type RunMemory } from './run-memory.js';

type Detail = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? `${value}` : '');

/** Who does the work from then on, where that is said. */
function newWorkers(workers: WorkersConfig | undefined): string {
  if (workers === undefined) return '';
  return workers.type === 'queue' ? `, through the queue ${workers.url}` : ', on its own machine';
}

/** What is said of each kind of event that is worth reading. */
const messages: { readonly [K in LogEntry['kind']]: (detail: Detail) => string } = {
  note: ({ message }) => textOf(message),
  warning: ({ message }) => textOf(message),
  status: ({ status }) => `the run is ${textOf(status)}`,
  resumed: ({ version, workers }) =>
    `resumed by nas ${textOf(version)}${newWorkers(workers as WorkersConfig | undefined)}`,
  'workers-group': ({ group, text }) => `works on machines of group ${textOf(group)} (${textOf(text)})`,
  // Written by `Run.extend`.
  extended: ({ experiment }) => `goes on to ${(experiment as Experiment).search.trials} trials`,
  retried: ({ attempt, message }) => `started again (attempt ${textOf(attempt)}): ${textOf(message)}`,
  promoted: ({ epochs, reason }) => `goes on to ${textOf(epochs)} epochs: ${textOf(reason)}`,
};

const isLogged = (kind: EventKind): kind is LogEntry['kind'] => Object.hasOwn(messages, kind);

const kinds = Object.keys(messages).filter((kind): kind is LogEntry['kind'] => isLogged(kind as EventKind));

/** Of events, those that a log shows, in their order. */
const logOf = (events: readonly EventRecord[]): LogEntry[] =>
  events.flatMap(({ seq, at, kind, trial, detail }) =>
    // The store's own and the runner's events have plain objects as details.
    isLogged(kind) ? [{ seq, at, kind, trial, message: messages[kind](detail as Detail) }] : [],
  );

/** The latest of what a run has said (of one trial, where it is given), the newest first; at most `limit`. */
export const collectLog = (store: Store, limit = 200, trial?: number): LogEntry[] =>
  logOf(store.events.last(kinds, limit, trial));

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
