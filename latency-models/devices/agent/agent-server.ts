import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import { describeEnvironment } from '../../environment.js';
import type { DeviceConfig } from '../../schema.js';
import { createDevice } from '../create-device.js';
import { AgentQueue } from './agent-queue.js';
import { sha256 } from './client.js';
import { Journal } from './journal.js';
import { idSchema, paths, requestSchema, sha256Schema } from './wire.js';

export interface AgentOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Required from everybody, unless only this machine can connect and there is none. */
  readonly token?: string;
  /** What the agent measures with. */
  readonly device: DeviceConfig;
  /** Folder for results and models. */
  readonly directory: string;
  /** Largest model in bytes. */
  readonly maxModelBytes: number;
}

export interface Agent {
  /** `http://127.0.0.1:7700`. */
  readonly address: string;
  /** Name of the device that it measures with. */
  readonly device: string;
  /** Ends the running measurement and stops listening. */
  readonly close: () => Promise<void>;
}

/** Requests besides models are small. */
const mostJsonBytes = 2 ** 20;

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Takes as long for a wrong token as for the right one. */
const isToken = (given: string | undefined, token: string): boolean =>
  timingSafeEqual(digest(given ?? ''), digest(`Bearer ${token}`));

const refuse = (reply: FastifyReply, status: number, message: string, hint?: string): FastifyReply =>
  reply.status(status).send({ error: { message, ...(hint === undefined ? {} : { hint }) } });

function checkAccess(app: FastifyInstance, token: string | undefined): void {
  app.addHook('onRequest', async (request, reply) => {
    // Programs do not send it, pages in a browser do: no page may use an agent on its reader's machine.
    if (request.headers.origin !== undefined) await refuse(reply, 403, 'pages in a browser may not use an agent');
    else if (token !== undefined && !isToken(request.headers.authorization, token))
      await refuse(reply, 401, 'the token is missing or wrong');
  });
}

function modelRoute(app: FastifyInstance, journal: Journal, maxModelBytes: number): void {
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: maxModelBytes },
    (_, body, done) => done(null, body),
  );
  app.put<{ Params: { sha256: string } }>(paths.model(':sha256'), { bodyLimit: maxModelBytes }, (request, reply) => {
    const expected = sha256Schema.safeParse(request.params.sha256);
    if (!expected.success || !(request.body instanceof Uint8Array))
      return refuse(reply, 400, 'expected the bytes of a model under their SHA-256');
    if (sha256(request.body) !== expected.data) return refuse(reply, 400, 'the bytes do not have this SHA-256');
    journal.saveModel(expected.data, request.body);
    return reply.status(204).send();
  });
}

function measurementRoutes(app: FastifyInstance, queue: AgentQueue): void {
  app.post(paths.measurements, (request, reply) => {
    const parsed = requestSchema.safeParse(request.body);
    if (!parsed.success)
      return refuse(
        reply,
        400,
        parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '),
      );
    const answer = queue.request(parsed.data);
    if (answer === 'conflict')
      return refuse(reply, 409, `there is another measurement with the id ${parsed.data.id}`, 'Choose another id.');
    if (answer === 'full') return refuse(reply, 429, 'too many measurements wait', 'Try again later.');
    if ('missing' in answer)
      return refuse(reply, 422, `the models ${answer.missing.join(', ')} must be uploaded first`);
    return reply.status(202).send(answer);
  });
  app.get<{ Params: { id: string } }>(paths.measurement(':id'), (request, reply) => {
    const state = idSchema.safeParse(request.params.id).success ? queue.state(request.params.id) : undefined;
    return state === undefined ? refuse(reply, 404, 'there is no measurement with this id') : reply.send(state);
  });
  app.delete<{ Params: { id: string } }>(paths.measurement(':id'), (request, reply) => {
    queue.cancel(request.params.id);
    return reply.status(204).send();
  });
}

/**
 * Serves measurements of a device over HTTP: models are uploaded, a measurement is asked for under an id that the client
 * chooses, and looked at until it is done. The same request is never run twice; what a restart interrupts is reported
 * as lost.
 * @throws NasError `invalid-input` without a token on an address that others can reach, for a device that does not exist
 *   here, and when the address cannot be listened on.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { host, port, token, device, directory, maxModelBytes } = options;
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`an agent that listens on ${host} can be reached by others: it needs a token`, {
      hint: 'openssl rand -hex 32 > token; nas agent --token-file token ...; or listen on 127.0.0.1.',
    });
  if (device.type === 'agent' || device.type === 'table')
    throw invalidInput(`an agent measures on its own machine, not on a device of type ${device.type}`);
  const { name } = createDevice(device);
  const journal = new Journal(directory);
  const queue = new AgentQueue(device, journal);
  const app = fastify({ bodyLimit: mostJsonBytes });
  checkAccess(app, token);
  app.setErrorHandler((error, _, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    const what = status === 413 ? `more than ${Math.floor(maxModelBytes / 2 ** 20)} MiB` : messageOf(error);
    return refuse(reply, status, what);
  });
  app.get(paths.device, (_, reply) => reply.send({ device: name, environment: describeEnvironment(name, device) }));
  modelRoute(app, journal, maxModelBytes);
  measurementRoutes(app, queue);
  try {
    const address = await app.listen({ host, port });
    return {
      address,
      device: name,
      close: async () => {
        await queue.close();
        await app.close();
      },
    };
  } catch (cause) {
    throw new NasError('invalid-input', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, {
      hint: 'Another agent may run there already; --listen takes another address.',
      cause,
    });
  }
}
