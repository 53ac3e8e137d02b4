import type { SSEMessage } from '@fastify/sse';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../../base/server.js';
import type { Clock } from '../../store/index.js';
import type { Query, RunId, Streams } from './api.js';
import { parseQuery, refusalOf } from './requests.js';
import type { WatchedRun, RunFolder } from './run-folder.js';
import type { RunList } from './run-list.js';
import { ReadQueue, RunWatch, type StreamPosition } from './run-watch.js';

/** Interval of keep-alive comments, ms. */
export const heartbeat = 15_000;

/** Most open streams, in total and of one address. A browser has one for each visible tab; a proxy's address has many browsers. */
const mostStreams = { inTotal: 128, ofAddress: 64 };

interface Message<A extends keyof Streams> extends SSEMessage {
  readonly event: keyof Streams[A] & string;
  readonly data: Streams[A][keyof Streams[A]];
}

type Source<A extends keyof Streams> = (signal: AbortSignal) => AsyncIterable<Message<A>>;

/** Opens a stream. @throws Refusal; NasError when the folder or run cannot be read. */
type Open<A extends keyof Streams> = (
  query: Query<A>,
  request: FastifyRequest<{ Params: { readonly run: RunId } }>,
  reply: FastifyReply,
) => Source<A>;

interface StreamsOptions {
  readonly folder: RunFolder;
  readonly list: RunList;
  readonly clock: Clock;
  /** Receives unexpected errors. */
  readonly report: (error: unknown) => void;
}

/** Serves every stream until its browser disconnects. */
export function serveStreams(app: FastifyInstance, { folder, list, clock, report }: StreamsOptions): void {
  const watches = new Watches(clock);
  const open = new Map<string, number>();
  const sources: { readonly [A in keyof Streams]: Open<A> } = {
    '/api/live': () => {
      // Refuses an unreadable folder before the headers are sent.
      folder.runs();
      return async function* (signal) {
        for await (const data of list.changes(signal)) yield { event: 'runs', data };
      };
    },
    '/api/runs/:run/live': ({ after }, { params }, reply) => {
      const run = folder.run(params.run);
      const position = positionOf(reply.sse.lastEventId) ?? { begun: null, cursor: after ?? null };
      return async function* (signal) {
        for await (const { event, position: now, data } of watches.changes(run, position, signal))
          yield { event, data, id: `${now.begun ?? 0}-${now.cursor ?? 0}` };
      };
    },
  };
  const serve = <A extends keyof Streams>(address: A, source: Open<A>): void => {
    app.get<{ Params: { readonly run: RunId } }>(
      address,
      { sse: 'only', exposeHeadRoute: false },
      async (request, reply) => {
        const query = parseQuery(address, request);
        const messages = source(query, request, reply);
        const leave = enter(open, request.ip);
        await send(reply, messages)
          .catch((error: unknown) => {
            // The headers are sent, so the stream can only end; a reconnecting browser gets the error.
            if (refusalOf(error).isBug) report(error);
          })
          .finally(leave);
      },
    );
  };
  serve('/api/live', sources['/api/live']);
  serve('/api/runs/:run/live', sources['/api/runs/:run/live']);
}

/** Counts a stream until the returned function is called. @throws Refusal when there are too many */
function enter(open: Map<string, number>, address: string): () => void {
  const count = (change: number): number => (open.get(address) ?? 0) + change;
  const total = [...open.values()].reduce((sum, each) => sum + each, 0);
  if (total >= mostStreams.inTotal || count(1) > mostStreams.ofAddress)
    throw new Refusal(503, 'too many browsers listen to changes', 'Close other tabs of this page.');
  open.set(address, count(1));
  return () => {
    if (count(-1) > 0) open.set(address, count(-1));
    else open.delete(address);
  };
}

/** The position in the `Last-Event-ID` of a browser that reconnects. */
function positionOf(id: string | null): StreamPosition | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(id ?? '');
  return found === null ? undefined : { begun: Number(found[1]), cursor: Number(found[2]) };
}

/** Sends the messages one after another, each when the one before is sent; ends when the browser disconnects. */
async function send<A extends keyof Streams>(reply: FastifyReply, source: Source<A>): Promise<void> {
  const gone = new AbortController();
  reply.sse.onClose(() => gone.abort());
  reply.sse.sendHeaders();
  reply.raw.flushHeaders();
  for await (const message of source(gone.signal)) {
    if (!reply.sse.isConnected) return;
    await sentOrGone(reply.sse.send(message), gone.signal);
  }
}

/** The plugin never settles the message of a browser that disconnects. */
const sentOrGone = (sent: Promise<void>, gone: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => resolve();
    gone.addEventListener('abort', stop, { once: true });
    sent.then(resolve, reject).finally(() => gone.removeEventListener('abort', stop));
  });

/** One watch for each run that has listeners. */
class Watches {
  private readonly watches = new Map<WatchedRun, { readonly watch: RunWatch; listeners: number }>();
  private readonly queue = new ReadQueue();

  constructor(private readonly clock: Clock) {}

  async *changes(run: WatchedRun, position: StreamPosition, signal: AbortSignal): ReturnType<RunWatch['changes']> {
    const shared = this.watches.get(run) ?? { watch: new RunWatch(run, this.clock, this.queue), listeners: 0 };
    this.watches.set(run, shared);
    shared.listeners++;
    try {
      yield* shared.watch.changes(position, signal);
    } finally {
      shared.listeners--;
      if (shared.listeners === 0) this.watches.delete(run);
    }
  }
}
