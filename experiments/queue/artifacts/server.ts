import type { ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { denialOf, type Denial } from '../../../base/server.js';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { namesOf } from '../../../base/server.js';
import { sha256Schema, StorageFailed, WrongContent, type Artifact } from './artifact.js';
import { chunksOf, type OpenFile } from './files.js';
import type { HostedArtifacts } from './hosted.js';

/** GET: a content, from an offset with `range: bytes=N-`. HEAD: whether it exists, or how much of it. PUT: uploads it. */
export const artifactPath = (sha256: string): string => `/v1/artifacts/${sha256}`;

export const headers = {
  /** How much of an upload the server has; of a PUT: where its bytes begin. */
  offset: 'upload-offset',
  /** Size of the whole content. */
  length: 'upload-length',
} as const;

export const statuses = {
  /** An upload has to continue at another offset, `upload-offset`. */
  elsewhere: 409,
  /** The uploaded bytes have another hash. */
  wrong: 422,
  /** Another sender uploads it. */
  busy: 423,
  /** The disk is full. */
  full: 507,
} as const;

const count = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const lengthSchema = z.object({ [headers.length]: count });
const uploadSchema = z.object({ [headers.length]: count, [headers.offset]: count });
export const offsetSchema = z.object({ [headers.offset]: count });
export const errorSchema = z.object({ error: z.object({ message: z.string(), hint: z.string().optional() }) });

export interface ServeOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Required of every request. */
  readonly token: string;
  /** Host names besides this machine's own under which requests are accepted: a proxy's, for example. */
  readonly names?: readonly string[];
}

export interface ArtifactServer {
  /** `http://10.0.0.5:34567`, with the host of the options. */
  readonly url: string;
  readonly port: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

const hour = 3_600_000;

const refuse = (reply: FastifyReply, status: number, message: string, hint?: string): FastifyReply =>
  reply
    .status(status)
    .type('application/json')
    .send({ error: { message, ...(hint === undefined ? {} : { hint }) } });

const denials: { readonly [D in Denial]: (request: FastifyRequest, reply: FastifyReply) => FastifyReply } = {
  origin: (_, reply) => refuse(reply, 403, 'pages in a browser may not have files of a run'),
  host: ({ headers: { host } }, reply) =>
    refuse(
      reply,
      403,
      `files are not served as ${host ?? 'a host without a name'}`,
      'workers.artifacts.url says under which name they are.',
    ),
  token: (_, reply) => refuse(reply, 401, 'the token is missing or wrong'),
};

interface Named {
  Params: { sha256: string };
}

function addDownloads(app: FastifyInstance, hosted: HostedArtifacts): void {
  app.get<Named>(artifactPath(':sha256'), async (request, reply) => {
    const { sha256 } = request.params;
    const file = sha256Schema.safeParse(sha256).success ? await hosted.find(sha256) : null;
    if (file === null) return refuse(reply, 404, 'there is no such content (any more)');
    const { bytes } = file.artifact;
    const start = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0 && start >= bytes) {
      await file.handle.close();
      return refuse(reply.header('content-range', `bytes */${bytes}`), 416, 'the content ends before');
    }
    reply.hijack();
    const length = { 'content-length': bytes - start, 'content-type': 'application/octet-stream' };
    const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${bytes - 1}/${bytes}` };
    await send(file, start, reply.raw.writeHead(start === 0 ? 200 : 206, { ...length, ...range }));
  });
}

/** Sends the rest of a file, and closes it. */
async function send({ handle, artifact }: OpenFile, start: number, response: ServerResponse): Promise<void> {
  try {
    for await (const chunk of chunksOf(handle, start, artifact.bytes)) {
      if (response.destroyed) return;
      await new Promise<void>((resolve) => {
        response.once('close', resolve);
        response.write(chunk, () => {
          response.off('close', resolve);
          resolve();
        });
      });
    }
    response.end();
  } catch {
    // The file cannot be read to its end.
    response.destroy();
  } finally {
    await handle.close();
  }
}

function addUploads(app: FastifyInstance, hosted: HostedArtifacts): void {
  app.head<Named>(artifactPath(':sha256'), async (request, reply) => {
    const { sha256 } = request.params;
    if (!sha256Schema.safeParse(sha256).success) return reply.status(404).send();
    const file = await hosted.find(sha256);
    if (file !== null) {
      await file.handle.close();
      return reply.header('content-length', file.artifact.bytes).header('accept-ranges', 'bytes').send();
    }
    const bytes = lengthSchema.safeParse(request.headers).data?.[headers.length] ?? 0;
    const upload = await hosted.uploadState(sha256);
    const offset = upload.state === 'complete' ? bytes : upload.offset;
    const hasRoom = await hosted.hasRoom({ sha256, bytes }, offset);
    const status = upload.state === 'busy' ? statuses.busy : hasRoom ? 404 : statuses.full;
    return reply.status(status).header(headers.offset, offset).send();
  });
  app.put<Named>(artifactPath(':sha256'), async (request, reply) => {
    const { sha256 } = request.params;
    const upload = uploadSchema.safeParse(request.headers).data;
    if (!sha256Schema.safeParse(sha256).success || upload === undefined)
      return refuse(reply, 400, 'expected the bytes of a content under their SHA-256, with their offset and length');
    const artifact = { sha256, bytes: upload[headers.length] };
    const offset = upload[headers.offset];
    if (!(await hosted.hasRoom(artifact, offset)))
      return refuse(reply, statuses.full, 'there is no room for it on the disk of the run');
    return receive(hosted, artifact, offset, request, reply);
  });
}

/** Takes the body of an upload, and answers it. */
async function receive(
  hosted: HostedArtifacts,
  artifact: Artifact,
  offset: number,
  { raw: body }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  // A sender whose network is cut says nothing.
  body.setTimeout(hosted.silenceMs, () => body.socket.destroy());
  try {
    // The request stays open for an answer before its end.
    const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    const upload = await hosted.receive(artifact, offset, chunks);
    if (upload.state === 'complete') return await reply.status(201).send({});
    void reply.header(headers.offset, upload.offset);
    return await (upload.state === 'busy'
      ? refuse(reply, statuses.busy, 'another worker sends it')
      : refuse(reply, statuses.elsewhere, `it continues at byte ${upload.offset}`));
  } catch (error) {
    if (error instanceof WrongContent) return await refuse(reply, statuses.wrong, error.message);
    if (error instanceof StorageFailed) return await refuse(reply, statuses.full, error.message);
    throw error;
  } finally {
    body.setTimeout(0);
  }
}

/**
 * Serves a run's contents by their hash, and takes uploads, for everybody who has the token.
 * @throws NasError `invalid-input` when it cannot listen at the address
 */
export async function serveArtifacts(hosted: HostedArtifacts, options: ServeOptions): Promise<ArtifactServer> {
  const { host, port, token, names } = options;
  // Only coordinators need it: workers are spared the loading.
  const { default: fastify } = await import('fastify');
  const app = fastify({ forceCloseConnections: true, exposeHeadRoutes: false });
  app.removeAllContentTypeParsers();
  // The body stays a stream of any length.
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
  app.setErrorHandler((error, _, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    return refuse(reply, status, messageOf(error));
  });
  const access = { names: namesOf(host, names), token };
  app.addHook('onRequest', async (request, reply) => {
    const denial = denialOf(request.headers, access);
    if (denial !== null) await denials[denial](request, reply);
  });
  addUploads(app, hosted);
  addDownloads(app, hosted);
  let bound: number;
  try {
    bound = Number(new URL(await app.listen({ host, port })).port);
  } catch (cause) {
    await app.close();
    throw invalidInput(`cannot listen on ${host}:${port} to serve files to workers: ${messageOf(cause)}`, {
      hint: 'workers.artifacts.listen takes another address; another run may listen there.',
      cause,
    });
  }
  const expire = (): void => void hosted.expire(Date.now()).catch(() => undefined);
  expire();
  const expiry = setInterval(expire, hour);
  expiry.unref();
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: async () => {
      clearInterval(expiry);
      await app.close();
    },
  };
}
