import type { Address, Answers, ErrorAnswer, Queries, Streams } from '../../experiments/page/api.js';

/** The parts of an address that stand for something: `run` and `trial` of `/api/runs/:run/trials/:trial`. */
export type Parameters<A extends string> = A extends `${string}:${infer Name}/${infer Rest}`
  ? Record<Name, string | number> & Parameters<Rest>
  : A extends `${string}:${infer Name}`
    ? Record<Name, string | number>
    : unknown;

type QueryValue = string | number | readonly (string | number)[] | undefined;

/** An address with its parts and its question filled in. */
export function addressOf<A extends Address | keyof Streams>(
  address: A,
  parameters: Parameters<A>,
  query: Readonly<Record<string, QueryValue>> = {},
): string {
  const values = parameters as Readonly<Record<string, string | number>>;
  const path = address.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name]));
  const asked = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().flatMap((each) => (each === undefined ? [] : [[name, String(each)]])),
  );
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString()}`;
}

/** What the server said instead of an answer. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    { message, hint }: ErrorAnswer['error'],
  ) {
    super(hint === undefined ? message : `${message}${/[.!?:]$/.test(message) ? '' : '.'} ${hint}`);
  }
}

/** Asks the server. @throws Refused when it has no answer; TypeError when it cannot be reached. */
export async function get<A extends Address>(
  address: A,
  parameters: Parameters<A>,
  query?: Queries[A],
  signal?: AbortSignal,
): Promise<Answers[A]> {
  const url = addressOf(address, parameters, query);
  const response = await fetch(url, signal === undefined ? {} : { signal });
  if (!response.ok) throw await refusalOf(response);
  return (await response.json()) as Answers[A];
}

async function refusalOf(response: Response): Promise<Refused> {
  const refusal = (await response.json().catch(() => null)) as ErrorAnswer | null;
  return new Refused(response.status, refusal?.error ?? { message: `The server answered ${response.status}.` });
}

/** Whether the server would say the same again; a run's file may be locked for a moment, and a server be away. */
export const isFinal = (error: unknown): boolean => error instanceof Refused && error.status !== 503;

/** How an error of `get` or `listen` is told to people. */
export const problemText = (error: unknown): string =>
  error instanceof Refused ? error.message : 'The server cannot be reached. Is `nas ui` still running?';

/** How long nothing may come from a server, which says at least every 15 s that it is there, in ms. */
const longestSilence = 45_000;

/** Takes in a stream's messages until it ends. */
async function follow(
  url: string,
  /** Of the last message that was taken in; empty without any. */
  lastId: string,
  closed: AbortSignal,
  opened: () => void,
  take: (message: StreamMessage) => void,
): Promise<void> {
  const silent = new AbortController();
  const giveUp = () => silent.abort();
  let timer = setTimeout(giveUp, longestSilence);
  try {
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
      cache: 'no-store',
      signal: AbortSignal.any([closed, silent.signal]),
    });
    if (!response.ok || response.body === null) throw await refusalOf(response);
    opened();
    const reader = new EventStreamReader();
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let { done, value } = await text.read(); !done; { done, value } = await text.read()) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, longestSilence);
      for (const message of reader.read(value ?? '')) take(message);
    }
  } finally {
    clearTimeout(timer);
    // A stream that nobody takes in any more does not stay open.
    giveUp();
  }
}

/** What is looked at or not; null outside browsers. */
const theDocument = (): Document | null => ('document' in globalThis ? document : null);

/**
 * Listens to a stream until it is closed. A connection that is lost is opened again with what `query` then gives, and
 * the id of the last message: a stream goes on from there. (EventSource tells nobody why a stream is refused.) While the
 * document is hidden there is none: browsers keep few to one server, and other tabs need theirs.
 */
export function listen<A extends keyof Streams>(
  address: A,
  parameters: Parameters<A>,
  query: () => Readonly<Record<string, QueryValue>>,
  handlers: { readonly [E in keyof Streams[A]]: (data: Streams[A][E]) => void } & {
    /** The connection is there, or there again. */
    readonly opened: () => void;
    /** It was lost, or could not be opened; it is tried again until it is closed. */
    readonly lost: (error: unknown) => void;
  },
): () => void {
  let closed: AbortController | null = null;
  const { opened, lost, ...messages } = handlers;
  const byEvent = new Map(Object.entries(messages));
  let lastId = '';
  const take = ({ event, data, id }: StreamMessage) => {
    lastId = id;
    // What the server sends under this name is of the type that `Streams` says.
    const handle = byEvent.get(event) as ((data: unknown) => void) | undefined;
    handle?.(JSON.parse(data));
  };
  const open = (): void => {
    const { signal } = (closed = new AbortController());
    void untilDone(
      async (progress) => {
        const url = addressOf(address, parameters, query());
        // A stream may be opened and fail at once: it gets on when it says something.
        await follow(url, lastId, signal, opened, (message) => {
          progress();
          take(message);
        });
        throw new TypeError('the server has ended the stream');
      },
      lost,
      signal,
    );
  };
  const close = (): void => {
    closed?.abort();
    closed = null;
  };
  const seen = theDocument();
  const update = (): void => {
    if (seen?.hidden === true) close();
    else if (closed === null) open();
  };
  seen?.addEventListener('visibilitychange', update);
  update();
  return () => {
    seen?.removeEventListener('visibilitychange', update);
    close();
  };
}

/** Waits before something is tried again, in ms: the last one ever after. */
const waits = [500, 1000, 2000, 4000, 8000];

const sleep = (ms: number, ended: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      ended.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    ended.addEventListener('abort', over);
  });

/**
 * Does something again and again until it succeeds or is ended, with growing waits between. `failed` is told each time why
 * it did not succeed; an attempt that says that it gets on makes waits short again.
 */
export async function untilDone(
  attempt: (progress: () => void) => Promise<void>,
  failed: (error: unknown) => void,
  ended: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => ended.aborted;
  for (let tries = 0; !isOver(); tries++) {
    try {
      await attempt(() => (tries = 0));
      return;
    } catch (error) {
      if (isOver()) return;
      failed(error);
    }
    await sleep(waits[Math.min(tries, waits.length - 1)], ended);
  }
}

/** One message of a stream: its name, what it carries as text, and where the stream is after it. */
interface StreamMessage {
  readonly event: string;
  readonly data: string;
  /** The latest id that was sent; empty without any. */
  readonly id: string;
}

/**
 * Reads server-sent events from text as it arrives (WHATWG HTML, 9.2.6): fields a line, a message up to an empty line.
 * Comments and fields that nobody here asks for are passed over.
 */
export class EventStreamReader {
  private rest = '';
  private event = 'message';
  private data: string[] = [];
  private id = '';

  /** @returns the messages that end in this piece of text. */
  read(piece: string): readonly StreamMessage[] {
    // A line may end in CR LF, and a piece between them: a CR waits for what follows it.
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.take(line));
  }

  private take(line: string): StreamMessage[] {
    if (line === '') return this.end();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
    return [];
  }

  private end(): StreamMessage[] {
    const { event, data, id } = this;
    this.event = 'message';
    this.data = [];
    return data.length === 0 ? [] : [{ event, data: data.join('\n'), id }];
  }
}
