import { diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { invalidInput, messageOf } from '../../../base/errors.js';

/** Spans on their way to a collector. */
export interface Tracing {
  /** Sends what is left, and traces nothing more. */
  readonly close: () => Promise<void>;
}

export interface TracingOptions {
  /** Of the collector, OTLP over HTTP: `http://127.0.0.1:4318`, to which `/v1/traces` is added, or a whole address. */
  readonly url: string;
  /** Told when spans cannot be sent. */
  readonly onWarning: (message: string) => void;
}

const packages = '@opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources';

/** @throws NasError `invalid-input` when the packages are not installed, which most servers do without. */
async function load() {
  try {
    return await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  } catch (cause) {
    throw invalidInput('traces need packages of OpenTelemetry that are not installed', {
      hint: `npm install ${packages}`,
      cause,
    });
  }
}

/**
 * Has this process send the spans of its requests to a collector. What the environment variables of OpenTelemetry say of
 * sampling, batches, limits and headers (`OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, ...) is kept to.
 * @throws NasError `invalid-input` when the address is none, packages are missing, or the process is traced already
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
  // Spans are handed on by the code itself; following every promise for them would cost each request.
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
    throw invalidInput(`the collector ${url} is no http address`, { hint: 'For example: http://127.0.0.1:4318' });
  if (parsed.pathname === '/') parsed.pathname = '/v1/traces';
  return parsed.href;
}
