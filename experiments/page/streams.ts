import type { SSEMessage } from '@fastify/sse';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../store/index.js';
import type { RunId, StreamQueries, Streams } from './api.js';
import { parseQuery, refusalOf, streamSchemas } from './requests.js';
import type { KnownRun, RunFolder } from './run-folder.js';
import type { RunList } from './run-list.js';
import { RunWatch, type Heard } from './run-watch.js';

/** How often those who hear nothing are told that the connection is alive, in ms. */
export const heartbeat = 15_000;

interface Message<A extends keyof Streams> extends SSEMessage {
  readonly event: keyof Streams[A] & string;
  readonly data: Streams[A][keyof Streams[A]];
}

/** What is sent of a stream, until the signal is aborted. */
type Source<A extends keyof Streams> = (signal: AbortSignal) => AsyncIterable<Message<A>>;

/** Opens a stream. @throws Refusal, or NasError of what cannot be read. */
type Open<A extends keyof Streams> = (
  query: StreamQueries[A],
  request: FastifyRequest<{ Params: { readonly run: RunId } }>,
  reply: FastifyReply,
) => Source<A>;

export interface StreamsOptions {
  readonly folder: RunFolder;
  readonly list: RunList;
  readonly clock: Clock;
  /** Told of what nobody foresaw. */
  readonly report: (error: unknown) => void;
}

/** Serves every stream: what happens is sent until the browser goes away. */
export function serveStreams(app: FastifyInstance, { folder, list, clock, report }: StreamsOptions): void {
  const watches = new Watches(clock);
  const sources: { readonly [A in keyof Streams]: Open<A> } = {
    '/api/live': () => {
      // A folder that cannot be read is refused while that can be said.
      folder.runs();
      return async function* (signal) {
        for await (const data of list.changes(signal)) yield { event: 'runs', data };
      };
    },
    '/api/runs/:run/live': ({ after }, { params }, reply) => {
      const run = folder.run(params.run);
      const heard = heardLast(reply.sse.lastEventId) ?? { begun: null, cursor: after ?? null };
      return async function* (signal) {
        for await (const { event, heard: now, data } of watches.changes(run, heard, signal))
          yield { event, data, id: `${now.begun ?? 0}-${now.cursor ?? 0}` };
      };
    },
  };
  const serve = <A extends keyof Streams>(address: A, open: Open<A>): void => {
    app.get<{ Params: { readonly run: RunId } }>(
      address,
      { sse: 'only', exposeHeadRoute: false },
      async (request, reply) => {
        const query = parseQuery(streamSchemas[address], request);
        await send(reply, open(query, request, reply)).catch((error: unknown) => {
          // It has begun and can only end: who asks again is told why.
          if (refusalOf(error).isBug) report(error);
        });
      },
    );
  };
  serve('/api/live', sources['/api/live']);
  serve('/api/runs/:run/live', sources['/api/runs/:run/live']);
}

/** What a browser that connects again says to have had: an event's id, as it was sent. */
function heardLast(id: string | null): Heard | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(id ?? '');
  return found === null ? undefined : { begun: Number(found[1]), cursor: Number(found[2]) };
}

/** Sends a stream, each message once the one before has been taken; ends with it, or when the browser has gone. */
async function send<A extends keyof Streams>(reply: FastifyReply, source: Source<A>): Promise<void> {
  const gone = new AbortController();
  reply.sse.onClose(() => gone.abort());
  reply.sse.sendHeaders();
  reply.raw.flushHeaders();
  for await (const message of source(gone.signal)) {
    if (!reply.sse.isConnected) return;
    await taken(reply.sse.send(message), gone.signal);
  }
}

/** A browser that goes away takes nothing more, and the plugin would wait for ever. */
const taken = (sent: Promise<void>, gone: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => resolve();
    gone.addEventListener('abort', stop, { once: true });
    sent.then(resolve, reject).finally(() => gone.removeEventListener('abort', stop));
  });

/** One watch a run that somebody listens to, and none for the others. */
class Watches {
  private readonly watches = new Map<KnownRun, { readonly watch: RunWatch; listeners: number }>();

  constructor(private readonly clock: Clock) {}

  async *changes(run: KnownRun, heard: Heard, signal: AbortSignal): ReturnType<RunWatch['changes']> {
    const shared = this.watches.get(run) ?? { watch: new RunWatch(run, this.clock), listeners: 0 };
    this.watches.set(run, shared);
    shared.listeners++;
    try {
      yield* shared.watch.changes(heard, signal);
    } finally {
      shared.listeners--;
      if (shared.listeners === 0) this.watches.delete(run);
    }
  }
}
