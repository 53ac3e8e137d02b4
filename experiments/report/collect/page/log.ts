import type { EventKind, EventRecord, Store } from '../../../../store/index.js';
import type { LogEntry } from '../../../page/api.js';
import type { WorkersConfig } from '../../../queue/schema.js';
import type { Experiment } from '../../../schema.js';

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
export const logOf = (events: readonly EventRecord[]): LogEntry[] =>
  events.flatMap(({ seq, at, kind, trial, detail }) =>
    // The store's own and the runner's events have plain objects as details.
    isLogged(kind) ? [{ seq, at, kind, trial, message: messages[kind](detail as Detail) }] : [],
  );

/** The latest of what a run has said (of one trial, where it is given), the newest first; at most `limit`. */
export const collectLog = (store: Store, limit = 200, trial?: number): LogEntry[] =>
  logOf(store.events.last(kinds, limit, trial));
