import type { EventKind, EventRecord, Store, Training } from '../../../store/index.js';
import { toPoint } from '../../read-model/member.js';
import type { WorkersConfig } from '../../../experiments/schema/workers.js';
import type { Experiment } from '../../../experiments/schema/experiment.js';
import type { Changes, EpochChange, FrontierKey, LogEntry } from '../api.js';
import { collectColumns } from './columns.js';
import { changedBy, type RunCache } from './run-cache.js';

type Detail = Readonly<Record<string, unknown>>;

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? `${value}` : '');

function newWorkersText(workers: WorkersConfig | undefined): string {
  if (workers === undefined) return '';
  return workers.type === 'queue' ? `, through the queue ${workers.url}` : ', on its own machine';
}

const messages: { readonly [K in LogEntry['kind']]: (detail: Detail) => string } = {
  note: ({ message }) => textOf(message),
  warning: ({ message }) => textOf(message),
  status: ({ status }) => `the run is ${textOf(status)}`,
  resumed: ({ version, workers }) =>
    `resumed by nas ${textOf(version)}${newWorkersText(workers as WorkersConfig | undefined)}`,
  'inputs-accepted': ({ generation, changes }) =>
    `generation ${textOf(generation)} of the results began: ${(changes as readonly string[]).join('; ')}`,
  'workers-group': ({ group, text }) => `works on machines of group ${textOf(group)} (${textOf(text)})`,
  // Written by `Run.extend`.
  extended: ({ experiment, message }) =>
    textOf(message) || `goes on to ${(experiment as Experiment).search.trials} trials`,
  retried: ({ attempt, message }) => `started again (attempt ${textOf(attempt)}): ${textOf(message)}`,
  'teacher-left': ({ message }) => textOf(message),
  promoted: ({ epochs, reason }) => `goes on to ${textOf(epochs)} epochs: ${textOf(reason)}`,
};

const isLogged = (kind: EventKind): kind is LogEntry['kind'] => Object.hasOwn(messages, kind);

const kinds = Object.keys(messages).filter((kind): kind is LogEntry['kind'] => isLogged(kind as EventKind));

const logOf = (events: readonly EventRecord[]): LogEntry[] =>
  events.flatMap(({ seq, at, kind, trial, detail }) =>
    // The store's own and the runner's events have plain objects as details.
    isLogged(kind) ? [{ seq, at, kind, trial, message: messages[kind](detail as Detail) }] : [],
  );

/** The latest log entries of a run, or of one trial, newest first. */
export const collectLog = (store: Store, limit = 200, trial?: number): LogEntry[] =>
  logOf(store.events.last(kinds, limit, trial));

/** Most events of an answer, which has them up to the next multiple: listeners at different positions meet there. */
const maxEvents = 1000;

const keyOf = ({ number, precision, rivals }: RunCache['frontier'][number]): FrontierKey => ({
  number,
  precision,
  rivals,
});

function epochsOf(store: Store, events: readonly EventRecord[]): EpochChange[] {
  return events.flatMap(({ kind, trial, detail }) => {
    if (kind !== 'epoch') return [];
    // Written by `Curves.add`.
    const { stage, epoch } = detail as { stage: Training['stage']; epoch: number };
    const training = { stage, ...(trial !== null && { trial }) } as Training;
    const found = store.curves.at(training, epoch);
    if (found === undefined) return [];
    return [{ training, ...toPoint(found) }];
  });
}

/**
 * Changes of a run since a cursor. One answer covers at most 1,000 events: repeat with the answer's cursor until it is
 * `store.events.latest()`. About 5 ms for 100 events.
 * @param cache is updated
 * @param now ms since 1970
 * @param first includes the frontier even if it has not changed
 */
export function collectChanges(
  store: Store,
  cursor: number,
  cache: RunCache,
  { now, first = false }: { readonly now: number; readonly first?: boolean },
): Changes {
  return store.reading(() => {
    cache.update(store);
    const events = store.events.all(cursor, maxEvents - (cursor % maxEvents));
    const isFrontierNew = first || cache.frontierCursor > cursor;
    return {
      cursor: events.at(-1)?.seq ?? cursor,
      ...cache.summary(store, now),
      candidates: collectColumns(store, changedBy(events), cache.facts, cache.evidenceOf(store)),
      frontier: isFrontierNew ? cache.frontier.map(keyOf) : null,
      now: cache.activity(store),
      epochs: epochsOf(store, events),
      log: logOf(events),
      at: now,
      notes: cache.notes(store).size,
    };
  });
}
