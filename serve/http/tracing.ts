import {
  context,
  type Context,
  diag,
  DiagLogLevel,
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
import { invalidInput, messageOf } from '../../base/errors.js';

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

export interface Tracing {
  /** Sends the remaining spans and stops tracing. */
  readonly close: () => Promise<void>;
}

export interface TracingOptions {
  /** The OTLP/HTTP collector: `http://127.0.0.1:4318`, to which `/v1/traces` is added, or a full URL. */
  readonly url: string;
  /** Called when spans cannot be sent. */
  readonly onWarning: (message: string) => void;
}

const packages = '@opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources';

/** @throws NasError `invalid-input` when the optional packages are not installed. */
async function load() {
  try {
    return await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  } catch (cause) {
    throw invalidInput('tracing needs OpenTelemetry packages that are not installed', {
      hint: `npm install ${packages}`,
      cause,
    });
  }
}

/**
 * Sends the spans of this process to a collector. The environment variables of OpenTelemetry for sampling, batches, limits and
 * headers apply (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, ...).
 * @throws NasError `invalid-input` when the URL is invalid, packages are missing, or the process is already traced
 */
export async function startTracing({ url, onWarning }: TracingOptions): Promise<Tracing> {
  const address = tracesAddress(url);
  const [
    { BatchSpanProcessor, NodeTracerProvider },
    { OTLPTraceExporter },
    { defaultResource, resourceFromAttributes },
  ] = await load();
  const say = (message: string): void => onWarning(`OpenTelemetry: ${message}`);
  const silent = (): void => undefined;
  diag.setLogger({ error: say, warn: say, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
  const provider = new NodeTracerProvider({
    resource: defaultResource().merge(
      resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME ?? 'nas' }),
    ),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: address }))],
  });
  // Our code passes spans explicitly; an async context manager would cost each request.
  provider.register({ contextManager: null });
  return {
    close: async () => {
      trace.disable();
      propagation.disable();
      await provider.shutdown().catch((error: unknown) => say(messageOf(error)));
      diag.disable();
    },
  };
}

function tracesAddress(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw invalidInput(`the collector ${url} is not an http URL`, { hint: 'Example: http://127.0.0.1:4318' });
  if (parsed.pathname === '/') parsed.pathname = '/v1/traces';
  return parsed.href;
}
