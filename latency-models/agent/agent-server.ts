import { rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { patientServer } from '../../base/pipelining.js';
import { type Denial, denialOf, isLoopback, namesOf, readBody, Refusal } from '../../base/server.js';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { makeDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { describeHolder, takeLock, type Lock } from '../../base/lock.js';
import type { Environment } from '../device.js';
import { describeEnvironment, type RunSettings } from '../machine.js';
import type { DeviceConfig } from '../schema.js';
import { createDevice } from '../devices/create-device.js';
import { AgentQueue } from './agent-queue.js';
import { newToken, ownTokenFile } from '../devices/agent/client.js';
import { Journal, Uploads, type UploadProblem } from './storage.js';
import { fullStatus, idSchema, paths, requestSchema, sha256Schema } from '../devices/agent/wire.js';

export interface AgentOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Required from all clients. Default, on loopback addresses only: a token in a file that clients of the same user find. */
  readonly token?: string;
  /** Further host names under which clients may address the agent, such as a proxy's. */
  readonly names?: readonly string[];
  readonly device: DeviceConfig;
  /** The agent writes only into `nas-agent` in this folder. */
  readonly directory: string;
  /** Of one model. */
  readonly maxModelBytes: number;
  /** Of all models of a measurement, which are in memory at the same time; default: a quarter of the memory. */
  readonly maxMeasuredBytes?: number;
  /** A model without a measurement is removed after this long, in ms; default: 10 minutes. */
  readonly uploadLifeMs?: number;
  /** A measurement without progress for this long, in ms, is ended as hung; default: 10 minutes. */
  readonly silenceMs?: number;
}

export interface Agent {
  /** `http://127.0.0.1:7700`. */
  readonly address: string;
  /** Name of the device. */
  readonly device: string;
  /** The file with the token, if the agent created it. */
  readonly tokenFile?: string;
  /** Ends the running measurement and stops listening. */
  readonly close: () => Promise<void>;
}

/** Requests without models are small: one has a thousand hashes at most. */
const maxJsonBytes = 2 ** 17;

/** What this process and its children may use; containers have less than the machine. */
const memory = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

const tenMinutes = 600_000;
/** There is room for this many models of the largest size. */
const maxModels = 16;

const refuse = (reply: FastifyReply, status: number, message: string, hint?: string): FastifyReply =>
  reply.status(status).send({ error: { message, ...(hint === undefined ? {} : { hint }) } });

const denials: { readonly [D in Denial]: (request: FastifyRequest, reply: FastifyReply) => FastifyReply } = {
  origin: (_, reply) => refuse(reply, 403, 'pages in a browser may not use an agent'),
  host: ({ headers: { host } }, reply) =>
    refuse(
      reply,
      403,
      `the agent does not answer as ${host ?? 'a host without a name'}`,
      'nas agent --name NAME makes it answer under a name of yours.',
    ),
  token: (_, reply) => refuse(reply, 401, 'the token is missing or wrong'),
};

function checkAccess(app: FastifyInstance, names: ReadonlySet<string>, token: () => string | undefined): void {
  app.addHook('onRequest', async (request, reply) => {
    const denial = denialOf(request.headers, { names, token: token() });
    if (denial !== null) await denials[denial](request, reply);
  });
}

function modelRoute(app: FastifyInstance, uploads: Uploads, maxModelBytes: number): void {
  // The body stays a stream.
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
  app.put<{ Params: { sha256: string } }>(paths.model(':sha256'), async ({ params, headers, raw }, reply) => {
    const expected = sha256Schema.safeParse(params.sha256);
    const bytes = Number(headers['content-length'] ?? NaN);
    if (!expected.success || headers['content-type'] !== 'application/octet-stream' || !(bytes >= 0))
      return refuse(reply, 400, 'expected the bytes of a model under their SHA-256, with their length');
    if (bytes > maxModelBytes) return refuse(reply, 413, `more than ${Math.floor(maxModelBytes / 2 ** 20)} MiB`);
    let problem: UploadProblem | null;
    try {
      problem = await uploads.receive(expected.data, bytes, raw);
    } catch (error) {
      return refuse(reply, fullStatus, messageOf(error));
    }
    if (problem === 'wrong') return refuse(reply, 400, 'the bytes do not have this SHA-256');
    return problem === 'busy'
      ? refuse(reply, 429, 'too many models arrive', 'Try again later.')
      : reply.status(204).send();
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
    if (answer === 'large')
      return refuse(reply, 413, 'the models of this measurement together are too large for the memory of this machine');
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

/** @throws NasError `in-use` when another agent has the folder; `invalid-input` when it cannot be written. */
function lockFolder(folder: string): Lock {
  const path = join(folder, 'lock');
  const hint = 'Choose another folder with --state.';
  let lock: Lock | null;
  try {
    makeDirectory(folder);
    lock = takeLock(path);
  } catch (cause) {
    throw invalidInput(`${folder}: the agent's folder cannot be written: ${messageOf(cause)}`, { hint, cause });
  }
  if (lock !== null) return lock;
  throw new NasError('in-use', `${folder}: the agent of ${describeHolder(path)} keeps its results here`, { hint });
}

/** @throws Refusal */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    throw new Refusal(400, messageOf(error));
  }
}

/** Hash of a device and its environment: stored results with another one are not this agent's. */
const identityOf = (device: DeviceConfig, environment: Environment): string =>
  contentHash(device, { ...environment, load: 0 });

/** Boards compute single images in C. */
const onBoard: RunSettings = { provider: 'c', threads: 1, batch: 1 };

/**
 * Serves measurements of a device over HTTP. Clients upload models, request a measurement under an id of their choice, and
 * poll its state. A request runs once; a measurement that a restart interrupts is `lost`.
 * @throws NasError `invalid-input` without a token on a public address, for a device that does not exist here, and when the
 *   agent cannot listen on the address; `in-use` when another agent uses the folder.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { host, port, device, directory, maxModelBytes } = options;
  const { names = [], uploadLifeMs = tenMinutes, silenceMs = tenMinutes, maxMeasuredBytes = memory() / 4 } = options;
  let { token } = options;
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`an agent that listens on ${host} can be reached by others: it needs a token`, {
      hint: 'openssl rand -hex 32 > token; nas agent --token-file token ...; or listen on 127.0.0.1.',
    });
  if (device.type !== 'local' && device.type !== 'browser' && device.type !== 'serial')
    throw invalidInput(`an agent measures on its own machine or a board, not on a device of type ${device.type}`);
  const measures = createDevice(device);
  const { name } = measures;
  const describe = (): Environment => describeEnvironment(name, device.type === 'serial' ? onBoard : device);
  // Loaded here, as other devices do not need it.
  const { default: fastify } = await import('fastify');
  const folder = join(directory, 'nas-agent');
  const lock = lockFolder(folder);
  const app = fastify({ serverFactory: patientServer });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', async (_request: FastifyRequest, body: IncomingMessage) =>
    parseJson(await readBody(body, maxJsonBytes)),
  );
  try {
    const limits = { maxBytes: maxModels * maxModelBytes, lifeMs: uploadLifeMs };
    const uploads = new Uploads(join(folder, 'models'), limits);
    const journal = new Journal(join(folder, 'measurements'), identityOf(device, describe()));
    const queue = new AgentQueue(device, journal, uploads, { silenceMs, maxBytes: maxMeasuredBytes });
    checkAccess(app, namesOf(host, names), () => token);
    app.setErrorHandler((error, _, reply) => {
      if (error instanceof Refusal) return refuse(reply, error.status, error.message);
      const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
      return refuse(reply, status, messageOf(error));
    });
    // Probed before any measurement, which the probe would disturb; undefined if it fails.
    const integers = await measures.integers?.().catch(() => undefined);
    app.get(paths.device, (_, reply) => reply.send({ device: name, environment: describe(), integers }));
    modelRoute(app, uploads, maxModelBytes);
    measurementRoutes(app, queue);
    const address = await listen(app, host, port);
    const tokenFile = token === undefined ? ownTokenFile(Number(new URL(address).port)) : undefined;
    if (tokenFile !== undefined) token = newToken(tokenFile);
    const expiry = setInterval(() => uploads.expire(), uploadLifeMs / 2);
    return {
      address,
      device: name,
      ...(tokenFile === undefined ? {} : { tokenFile }),
      close: async () => {
        clearInterval(expiry);
        await queue.close();
        await app.close();
        if (tokenFile !== undefined) rmSync(tokenFile, { force: true });
        lock.release();
      },
    };
  } catch (error) {
    await app.close();
    lock.release();
    throw error;
  }
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (cause) {
    throw new NasError('invalid-input', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, {
      hint: 'Another agent may run there already; --listen takes another address.',
      cause,
    });
  }
}
