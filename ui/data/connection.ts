import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Actions, Address, Answers, Bodies, ErrorAnswer, Query, Streams } from '../../reports/page/api.js';
import { fetchWithToken } from './token.js';

/** The placeholders of a path: `run` and `trial` of `/api/runs/:run/trials/:trial`. */
export type Parameters<A extends string> = A extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string | number> & Parameters<Rest>
  : A extends `${string}:${infer Name}`
    ? Record<Name, string | number>
    : unknown;

type QueryValue = string | number | readonly (string | number)[] | undefined;

/** A path with its placeholders and its query filled in. */
export function addressOf<A extends Address | keyof Actions | keyof Streams>(
  address: A,
  parameters: Parameters<A>,
  query: Readonly<Record<string, QueryValue>> = {},
): string {
  const values = parameters as Readonly<Record<string, string | number>>;
  const path = address.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name]));
  const entries = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => (each === undefined ? [] : [[name, String(each)]])),
  );
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries).toString()}`;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    { message, hint }: ErrorAnswer['error'],
  ) {
    super(hint === undefined ? message : `${message}${/[.!?:]$/.test(message) ? '' : '.'} ${hint}`);
  }
}

/** The body of an answer. @throws Refused for an error */
async function bodyOf<T>(answer: Promise<Response>): Promise<T> {
  const response = await answer;
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as T;
}

async function refusalOf(response: Response): Promise<Refused> {
  const refusal = (await response.json().catch(() => null)) as ErrorAnswer | null;
  return new Refused(response.status, refusal?.error ?? { message: `The server answered ${response.status}.` });
}

/** Sends a request. @throws Refused when the server answers with an error; TypeError when it cannot be reached. */
export const get = <A extends Address>(
  address: A,
  parameters: Parameters<A>,
  query?: Query<A>,
  signal: AbortSignal | null = null,
): Promise<Answers[A]> => bodyOf(fetchWithToken(addressOf(address, parameters, query), { signal }));

/** Sends a change. @throws Refused when the server answers with an error; TypeError when it cannot be reached. */
export const post = <A extends keyof Actions>(
  address: A,
  parameters: Parameters<A>,
  body: Bodies[A],
): Promise<Actions[A]> => {
  const headers = { 'content-type': 'application/json' };
  return bodyOf(
    fetchWithToken(addressOf(address, parameters), { method: 'POST', headers, body: JSON.stringify(body) }),
  );
};

/** Whether a retry is pointless. A 503 is temporary: a locked database, for example. */
export const isFinal = (error: unknown): boolean => error instanceof Refused && error.status !== 503;

/** The message of an error that `get` or `listen` reports. */
export const problemText = (error: unknown): string =>
  error instanceof Refused ? error.message : 'The server cannot be reached. Is `nas ui` still running?';

/** Delays between attempts, in ms; the last one repeats. */
const delays = [500, 1000, 2000, 4000, 8000];

/** Ends early when the signal is aborted. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });

/**
 * Retries `attempt` with growing delays until it succeeds or the signal aborts. `failed` receives each error. An attempt
 * that calls `progress` resets the delay.
 */
export async function retry(
  attempt: (progress: () => void) => Promise<void>,
  failed: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  for (let tries = 0; !isOver(); tries++) {
    try {
      await attempt(() => (tries = 0));
      return;
    } catch (error) {
      if (isOver()) return;
      failed(error);
    }
    await sleep(delays[Math.min(tries, delays.length - 1)], signal);
  }
}

/** The server sends something at least every 15 s; after this silence, in ms, the connection counts as lost. */
const longestSilence = 45_000;

/** Reads server-sent events until the stream ends. `lastId` is empty before the first event. */
async function readStream(
  url: string,
  lastId: string,
  signal: AbortSignal,
  opened: () => void,
  onEvent: (event: EventSourceMessage) => void,
): Promise<void> {
  const silent = new AbortController();
  const abort = () => silent.abort();
  let timer = setTimeout(abort, longestSilence);
  try {
    const response = await fetchWithToken(url, {
      headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
      cache: 'no-store',
      signal: AbortSignal.any([signal, silent.signal]),
    });
    if (!response.ok || response.body === null) throw await refusalOf(response);
    opened();
    const parser = createParser({ onEvent });
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let { done, value } = await text.read(); !done; { done, value } = await text.read()) {
      clearTimeout(timer);
      timer = setTimeout(abort, longestSilence);
      parser.feed(value ?? '');
    }
  } finally {
    clearTimeout(timer);
    // Closes the connection when a handler has thrown.
    abort();
  }
}

/**
 * Listens to a stream until the returned function is called. A lost connection is opened again with the current `query`
 * and the id of the last event. `EventSource` is no alternative: it hides why the server refuses a stream. A hidden
 * document closes its stream, because browsers limit the connections to one server and other tabs need theirs.
 */
export function listen<A extends keyof Streams>(
  address: A,
  parameters: Parameters<A>,
  query: () => Readonly<Record<string, QueryValue>>,
  handlers: { readonly [E in keyof Streams[A]]: (data: Streams[A][E]) => void } & {
    readonly opened: () => void;
    /** The connection was lost or refused; it is retried. */
    readonly lost: (error: unknown) => void;
  },
): () => void {
  const { opened, lost, ...rest } = handlers;
  // `Streams` gives the type of each event's data.
  const byEvent = new Map(Object.entries(rest) as [string, (data: unknown) => void][]);
  let closed: AbortController | null = null;
  let lastId = '';
  const open = (): void => {
    const { signal } = (closed = new AbortController());
    const attempt = async (progress: () => void): Promise<void> => {
      await readStream(addressOf(address, parameters, query()), lastId, signal, opened, ({ event, data, id }) => {
        // Only an event counts as progress: a stream can open and fail at once.
        progress();
        lastId = id ?? lastId;
        byEvent.get(event ?? 'message')?.(JSON.parse(data));
      });
      throw new TypeError('the server has ended the stream');
    };
    void retry(attempt, lost, signal);
  };
  const close = (): void => {
    closed?.abort();
    closed = null;
  };
  // There is no document outside browsers.
  const page = 'document' in globalThis ? document : null;
  const update = (): void => {
    if (page?.hidden === true) close();
    else if (closed === null) open();
  };
  page?.addEventListener('visibilitychange', update);
  update();
  return () => {
    page?.removeEventListener('visibilitychange', update);
    close();
  };
}
