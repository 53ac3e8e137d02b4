import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { patientServer } from '../../base/pipelining.js';
import { denialOf, namesOf, type Denial } from '../../base/server.js';
import { sha256Schema, StorageFailed, WrongContent } from './artifact.js';
import { readFrom, type OpenFile } from './files.js';
import type { HostedArtifacts, UploadState } from './hosted.js';

/** GET: a content, from an offset with `range: bytes=N-`. HEAD: whether it exists, or how much of it. PUT: uploads it. */
export const artifactPath = (sha256: string): string => `/v1/artifacts/${sha256}`;

export const headers = {
  /** How much of an upload the server has; of a PUT: where its bytes begin. */
  offset: 'upload-offset',
  /** Size of the whole content. */
  length: 'upload-length',
} as const;

export const statuses = {
  /** An upload has to continue at another offset, `upload-offset`, or another sender uploads it. */
  elsewhere: 409,
  /** The uploaded bytes have another hash. */
  wrong: 422,
  /** The disk is full. */
  full: 507,
} as const;

const count = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const lengthSchema = z.object({ [headers.length]: count });
export const offsetSchema = z.object({ [headers.offset]: count });
const uploadSchema = z.object({ [headers.length]: count, [headers.offset]: count });
export const errorSchema = z.object({ error: z.object({ message: z.string(), hint: z.string().optional() }) });

interface ServeOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Required of every request. */
  readonly token: string;
  /** Host names besides this machine's own under which requests are accepted: a proxy's, for example. */
  readonly names?: readonly string[];
}

/** Most downloads at the same time; each has a block in memory. */
const mostDownloads = 128;

const hour = 3_600_000;

/** `http://10.0.0.5:34567`. */
export const urlOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

interface Named {
  Params: { sha256: string };
}

const refuse = (reply: FastifyReply, status: number, message: string, hint?: string): FastifyReply =>
  reply
    .status(status)
    .type('application/json')
    .send({ error: { message, ...(hint === undefined ? {} : { hint }) } });

function deny(denial: Denial, { headers: { host } }: FastifyRequest, reply: FastifyReply): FastifyReply {
  switch (denial) {
    case 'origin':
      return refuse(reply, 403, 'pages in a browser may not have files of a run');
    case 'host': {
      const hint = 'workers.artifacts.url says under which name they are.';
      return refuse(reply, 403, `files are not served as ${host ?? 'a host without a name'}`, hint);
    }
    case 'token':
      return refuse(reply, 401, 'the token is missing or wrong');
  }
}

async function download(
  hosted: HostedArtifacts,
  { params: { sha256 }, headers: { range } }: FastifyRequest<Named>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const file = sha256Schema.safeParse(sha256).success ? await hosted.find(sha256) : null;
  if (file === null) return refuse(reply, 404, 'there is no such content (any more)');
  const { handle, artifact } = file;
  const { bytes } = artifact;
  const start = Number(/^bytes=(\d{1,15})-$/.exec(range ?? '')?.[1] ?? 0);
  if (start >= bytes) {
    await handle.close();
    if (start === 0) return reply.type('application/octet-stream').send(Buffer.alloc(0));
    return refuse(reply.header('content-range', `bytes */${bytes}`), 416, 'the content ends before');
  }
  const length = { 'content-length': bytes - start, 'content-type': 'application/octet-stream' };
  const rest = start === 0 ? {} : { 'content-range': `bytes ${start}-${bytes - 1}/${bytes}` };
  reply.hijack();
  // A reader that reads nothing would keep its block for ever.
  reply.raw.setTimeout(hosted.silenceMs, () => reply.raw.destroy());
  await send(file, start, reply.raw.writeHead(start === 0 ? 200 : 206, { ...length, ...rest }));
  return reply;
}

/** Sends the rest of a file, and closes it. */
async function send({ handle, artifact }: OpenFile, start: number, response: ServerResponse): Promise<void> {
  try {
    for await (const chunk of readFrom(handle, start, artifact.bytes)) {
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

async function describeUpload(
  hosted: HostedArtifacts,
  { params: { sha256 }, headers: asked }: FastifyRequest<Named>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!sha256Schema.safeParse(sha256).success) return reply.status(404).send();
  const file = await hosted.find(sha256);
  await file?.handle.close();
  if (file !== null) return reply.header('content-length', file.artifact.bytes).send();
  const bytes = lengthSchema.safeParse(asked).data?.[headers.length] ?? 0;
  const { state, offset } = await hosted.uploadState({ sha256, bytes });
  const status = { complete: 404, partial: 404, busy: statuses.elsewhere, full: statuses.full }[state];
  return reply.status(status).header(headers.offset, offset).send();
}

async function upload(
  hosted: HostedArtifacts,
  { params: { sha256 }, headers: asked, raw: body }: FastifyRequest<Named>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { data: size } = uploadSchema.safeParse(asked);
  if (!sha256Schema.safeParse(sha256).success || size === undefined)
    return refuse(reply, 400, 'expected the bytes of a content under their SHA-256, with their offset and length');
  // A sender whose network is cut says nothing.
  body.setTimeout(hosted.silenceMs, () => body.socket.destroy());
  let received: UploadState;
  try {
    // The request stays open for an answer before its end.
    const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    received = await hosted.receive({ sha256, bytes: size[headers.length] }, size[headers.offset], chunks);
  } catch (error) {
    if (error instanceof WrongContent) return await refuse(reply, statuses.wrong, error.message);
    if (error instanceof StorageFailed) return await refuse(reply, statuses.full, error.message);
    throw error;
  } finally {
    body.setTimeout(0);
  }
  const { state, offset } = received;
  // The rest of a body that is not wanted.
  if (state !== 'complete') void reply.header('connection', 'close');
  if (state === 'complete') return reply.status(201).send({});
  if (state === 'full') return refuse(reply, statuses.full, 'there is no room for it on the disk of the run');
  const message = state === 'busy' ? 'another worker sends it' : `it continues at byte ${offset}`;
  return refuse(reply.header(headers.offset, offset), statuses.elsewhere, message);
}

/**
 * Serves a run's contents by their hash, and takes uploads, for everybody who has the token.
 * @returns its address; `close` ends all connections
 * @throws NasError `invalid-input` when it cannot listen at the address
 */
export async function serveArtifacts(hosted: HostedArtifacts, options: ServeOptions) {
  const { host, port, token, names } = options;
  // Only coordinators need it: workers are spared the loading.
  const { default: fastify } = await import('fastify');
  const app = fastify({ serverFactory: patientServer, forceCloseConnections: true, exposeHeadRoutes: false });
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
    if (denial !== null) await deny(denial, request, reply);
  });
  let downloads = 0;
  app.get<Named>(artifactPath(':sha256'), async (request, reply) => {
    if (downloads >= mostDownloads) return refuse(reply, 429, 'too many workers fetch files at the moment');
    downloads++;
    return download(hosted, request, reply).finally(() => downloads--);
  });
  app.head<Named>(artifactPath(':sha256'), (request, reply) => describeUpload(hosted, request, reply));
  app.put<Named>(artifactPath(':sha256'), (request, reply) => upload(hosted, request, reply));
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
    url: urlOf(host, bound),
    port: bound,
    close: async (): Promise<void> => {
      clearInterval(expiry);
      await app.close();
    },
  };
}
