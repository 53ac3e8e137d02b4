import {
  context,
  type Context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Answer } from '../inference/pool.js';
import type { RouteContext } from './context.js';
import { clientClosed } from './refusals.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null when tracing is off. */
    trace: RequestTrace | null;
  }
}

/**
 * Converts `performance.now()` to epoch milliseconds. The library would correct the clock's drift for each span alone, and
 * adjacent spans would overlap.
 */
const epochMs = (ms: number): number => performance.timeOrigin + ms;

/** The span of a request, a child of its client's span, with child spans for its stages. Times are those of `performance.now()`. */
export class RequestTrace {
  private readonly span: Span;
  private readonly within: Context;

  constructor(
    private readonly tracer: Tracer,
    request: FastifyRequest,
  ) {
    const { method, headers, routeOptions, raw, ip, protocol } = request;
    const client = propagation.extract(context.active(), headers);
    const route = routeOptions.url;
    this.span = tracer.startSpan(
      route === undefined ? method : `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        startTime: epochMs(request.arrived),
        // OpenTelemetry's semantic conventions for HTTP servers.
        attributes: {
          'http.request.method': method,
          'url.path': raw.url?.split('?', 1)[0],
          'url.scheme': protocol,
          'http.route': route,
          'client.address': ip,
          'user_agent.original': headers['user-agent'],
        },
      },
      client,
    );
    this.within = trace.setSpan(client, this.span);
  }

  /** Adds the span of a decoded image that ends now. */
  decoded(began: number, bytes: number): void {
    this.part('decode', { began, ended: performance.now(), attributes: { 'nas.image.bytes': bytes } });
  }

  /** Adds the spans of queueing and computing an image that was answered now. */
  answered({ model, batch, queuedMs, computedMs }: Answer): void {
    const ended = performance.now();
    const computing = ended - computedMs;
    const attributes = { 'nas.network': model.name };
    this.part('queue', { began: computing - queuedMs, ended: computing, attributes });
    this.part('compute', { began: computing, ended, attributes: { ...attributes, 'nas.batch': batch } });
  }

  /** @param status HTTP status; 499: the client disconnected before the answer */
  ended(status: number): void {
    this.span.setAttribute('http.response.status_code', status);
    if (status >= 500 || status === clientClosed) {
      this.span.setAttribute('error.type', `${status}`);
      this.span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.span.end(epochMs(performance.now()));
  }

  private part(name: string, { began, ended, attributes }: Part): void {
    this.tracer.startSpan(name, { startTime: epochMs(began), attributes }, this.within).end(epochMs(ended));
  }
}

interface Part {
  readonly began: number;
  readonly ended: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Traces every request if tracing is on; otherwise adds no cost. */
export function traceRequests(app: FastifyInstance, { isTraced }: RouteContext): void {
  app.decorateRequest('trace', null);
  if (isTraced !== true) return;
  const tracer = trace.getTracer('nas');
  app.addHook('onRequest', (request, reply, done) => {
    const traced = (request.trace = new RequestTrace(tracer, request));
    const response = reply.raw;
    // As in `admitRequests`, `close` also fires when the client disconnects.
    response.once('close', () => traced.ended(response.writableFinished ? response.statusCode : clientClosed));
    done();
  });
}
