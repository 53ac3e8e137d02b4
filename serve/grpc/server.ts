import {
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  status,
  type sendUnaryData,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../base/errors.js';
import { nasVersion } from '../../base/modules.js';
import { packageRoot } from '../../base/processes.js';
import { denialOf, listenOnFirst, Refusal } from '../../base/server.js';
import type { Admission } from '../http/admission.js';
import { Connections } from '../http/connections.js';
import type { AccessOptions } from '../http/context.js';
import { budgetHeader, runOptionsFor } from '../http/deadline.js';
import { outputsFor } from '../http/open-inference/answer.js';
import { metadataOf, refuseUnready } from '../http/open-inference/metadata.js';
import { servedAs } from '../http/open-inference/served.js';
import { extensions } from '../http/open-inference/wire.js';
import { refusedFor } from '../http/refusals.js';
import { hasTooMuch, inferAnswer, readInfer, tooMuch, type InferMessage, type ModelMessage } from './messages.js';

const proto = join(packageRoot(fileURLToPath(import.meta.url)), 'serve', 'grpc', 'open-inference.proto');
/** The default of gRPC. A message counts in full before it is read, because its length is not known. */
const messageBytes = 1 << 22;
const streams = 256;

/** Status of gRPC for a status of HTTP. */
const codes: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  413: status.RESOURCE_EXHAUSTED,
  422: status.FAILED_PRECONDITION,
  499: status.CANCELLED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

const httpStatus = new Map([
  [status.OK, 200],
  ...Object.entries(codes).map(([http, code]) => [code, Number(http)] as const),
]);

export interface GrpcOptions {
  readonly host: string;
  readonly port: number;
  readonly access: AccessOptions;
  readonly admission: Admission;
}

export interface RunningGrpc {
  readonly port: number;
  /** Resolves when the calls are answered. */
  readonly close: () => Promise<void>;
}

/** Serves the Open Inference Protocol over gRPC, without TLS, with the admission, tokens and budgets of the HTTP server. */
export async function startGrpc({ host, port, access, admission }: GrpcOptions): Promise<RunningGrpc> {
  const { context } = admission;
  const { limits, metrics, service, log } = context;
  const definition = loadSync(proto, { keepCase: true, longs: Number, oneofs: true, defaults: true });
  const methods = definition['inference.GRPCInferenceService'] as ServiceDefinition;
  const read = methods.ModelInfer.requestDeserialize;
  methods.ModelInfer.requestDeserialize = (bytes): unknown => (hasTooMuch(bytes) ? tooMuch : read(bytes));

  const statusOf = (error: unknown, path: string) => {
    const { status: http, body, retryAfter, isBug } = refusedFor(error, limits);
    if (isBug) log.error({ err: error, method: 'gRPC', url: path }, messageOf(error));
    const metadata = new Metadata();
    if (retryAfter !== null) metadata.set('retry-after', String(retryAfter));
    return { code: codes[http] ?? status.INTERNAL, details: body.error, metadata, http };
  };

  const admit: ServerInterceptor = ({ path }, call) => {
    const client = call.getConnectionInfo().remoteAddress ?? '';
    const isCheap = path.endsWith('Live') || path.endsWith('ServerReady');
    const arrived = performance.now();
    let [isRunning, isHolding] = [false, false];
    let proceed = (): void => undefined;
    const refuse = (error: unknown): void => intercepted.sendStatus(statusOf(error, path));
    const request = {
      weight: 1,
      isGone: false,
      begin: (): void => {
        isRunning = true;
        const refusal = admission.take(client, messageBytes);
        isHolding = refusal === null;
        if (refusal === null) proceed();
        else refuse(refusal);
      },
    };
    const end = (code: status): void => {
      if (request.isGone) return;
      request.isGone = true;
      const now = performance.now();
      if (isHolding) admission.give(client, messageBytes);
      if (isRunning) admission.slots.leave(client, request.weight, now);
      metrics.onRequest(path, httpStatus.get(code) ?? 500, (now - arrived) / 1000);
    };
    const intercepted = new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, go) => {
            proceed = () => go(metadata);
            const authorization = metadata.get('authorization').at(0)?.toString() ?? '';
            const guard = { names: access.names, token: isCheap ? null : access.token };
            const denial = denialOf({ host: call.getHost(), authorization }, guard);
            if (denial !== null)
              refuse(new Refusal(denial === 'token' ? 401 : 403, `the ${denial} is missing or wrong`));
            else if (isCheap) proceed();
            else if (!admission.slots.enter(client, request, arrived)) refuse(admission.full);
          },
          onCancel: () => end(status.CANCELLED),
        }),
      sendStatus: (sent, next) => {
        end(sent.code);
        next(sent);
      },
    });
    return intercepted;
  };

  const infer = (request: InferMessage, call: ServerUnaryCall<unknown, unknown>) =>
    service.use(async (pool) => {
      const served = servedAs(pool, request.model_name, request.model_version || undefined);
      const asked = readInfer(request);
      const deadline = call.getDeadline();
      const left = Number(deadline) - Date.now();
      const run = runOptionsFor(
        {
          arrived: performance.now(),
          client: call.getPeer().replace(/:\d+$/, ''),
          isGone: () => call.cancelled,
          budget: call.metadata.get(budgetHeader).at(0),
        },
        context,
        served.only,
        asked.budgetMs ?? (left < limits.budgetMs ? Math.max(1, left) : undefined),
      );
      return inferAnswer(await outputsFor(asked, served, pool, { limits, run }));
    });

  const answers: Readonly<Record<string, (request: never, call: ServerUnaryCall<unknown, unknown>) => unknown>> = {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: service.isReady }),
    ModelReady: ({ name, version }: ModelMessage) => {
      refuseUnready(service, name, version || undefined);
      return { ready: true };
    },
    ServerMetadata: () => ({ name: 'nas', version: nasVersion(), extensions }),
    ModelMetadata: ({ name, version }: ModelMessage) => metadataOf(servedAs(service.pool, name, version || undefined)),
    ModelInfer: infer,
  };
  const handlers = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      (call: ServerUnaryCall<unknown, unknown>, done: sendUnaryData<unknown>) => {
        const { request } = call;
        const answered = async (): Promise<unknown> => {
          if (request instanceof Refusal) throw request;
          return await answer(request as never, call);
        };
        answered().then(
          (value) => done(null, value),
          (error: unknown) => done(statusOf(error, call.getPath())),
        );
      },
    ]),
  );

  const grpc = new Server({
    interceptors: [admit],
    'grpc.max_receive_message_length': messageBytes,
    'grpc.max_concurrent_streams': streams,
  });
  grpc.addService(methods, handlers);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const server = createServer((socket) => injector.injectConnection(socket));
  new Connections(server, limits.connections);
  await listenOnFirst(host, [port], async (one) => {
    server.listen(one, host);
    await once(server, 'listening');
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async (): Promise<void> => {
      server.close();
      injector.drain(limits.requestMs);
      await new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
    },
  };
}
