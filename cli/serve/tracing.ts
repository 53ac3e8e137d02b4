import { diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { invalidInput, messageOf } from '../../base/errors.js';

interface Tracing {
  /** Sends the remaining spans and stops tracing. */
  readonly close: () => Promise<void>;
}

interface TracingOptions {
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
