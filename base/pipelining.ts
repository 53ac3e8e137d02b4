import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Requests of a connection that may arrive together, or before the first of them is answered. A read has 64 KiB, which would
 * be a thousand requests before the next connection has its turn.
 */
export const mostPipelined = 8;

/** The part of a connection's HTTP parser that Node.js does not document. */
interface Parsing {
  readonly parser?: { onIncoming: () => number } | null;
}

/** "No body, and no HTTP after it", as for an upgrade: the parser leaves the rest of the read alone. */
const nothingFollows = 2;

/** Ends a connection now: also the requests behind this one in the same read, each of which would cost the event loop time. */
export function endReading(socket: Socket): void {
  const { parser } = socket as Parsing;
  if (parser) parser.onIncoming = () => nothingFollows;
  socket.destroy();
}

/**
 * Keeps a request that its client aborts from ending the process. Node.js looks for listeners of the error a tick before it emits it;
 * in between, a reader of the body that has just come to its end takes its own away.
 */
export const surviveAbort = (request: IncomingMessage): void => void request.on('error', () => undefined);

/** A server that ends connections which send many requests without waiting for answers. */
export function patientServer(handle: RequestListener): Server {
  /** Bytes that were read when the last request began, requests that began with them, and requests without an answer. */
  const connections = new WeakMap<Socket, { bytes: number; together: number; unanswered: number }>();
  return createServer((request, response) => {
    const { socket } = request;
    if (socket.destroyed) return;
    const known = connections.get(socket) ?? { bytes: 0, together: 0, unanswered: 0 };
    connections.set(socket, known);
    if (socket.bytesRead !== known.bytes) [known.bytes, known.together] = [socket.bytesRead, 0];
    known.together += 1;
    known.unanswered += 1;
    response.once('close', () => (known.unanswered -= 1));
    if (Math.max(known.together, known.unanswered) > mostPipelined) endReading(socket);
    else {
      surviveAbort(request);
      handle(request, response);
    }
  });
}
