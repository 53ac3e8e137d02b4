import { isIP } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Denial, denialOf, namesOf } from '../../../base/server.js';
import { invalidInput, messageOf } from '../../../base/errors.js';
import type { Artifact } from './artifact.js';
import { StorageFailed, WrongContent } from './failures.js';
import { chunkBytes } from './hashes.js';
import type { HostedArtifacts } from './hosted.js';
import type { UploadOutcome } from './uploads.js';
import { artifactPath, headers, lengthSchema, sha256Schema, statuses, uploadSchema } from './wire.js';

export interface ServeOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Required from everybody. */
  readonly token: string;
  /** Names besides this machine's own under which workers may address the server, a proxy's for example. */
  readonly names?: readonly string[];
}

export interface ArtifactServer {
  /** `http://10.0.0.5:34567`, with the host that it was given. */
  readonly url: string;
  /** The port that it listens on. */
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

/** Checks each request before anything else is done for it. */
function checkAccess(app: FastifyInstance, names: ReadonlySet<string>, token: string): void {
  app.addHook('onRequest', async (request, reply) => {
    const denial = denialOf(request.headers, { names, token });
    if (denial !== null) await denials[denial](request, reply);
  });
}

interface Range {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
}

/** One range of bytes, as the header asks for it; null: all, 'outside': there are no such bytes. */
export function rangeOf(header: string | undefined, size: number): Range | 'outside' | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || match[0] === 'bytes=-') return null;
  const [, from, to] = match;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(size - 1, Number(to));
  return start <= end ? { start, end } : 'outside';
}

interface Named {
  Params: { sha256: string };
}

function downloads(app: FastifyInstance, hosted: HostedArtifacts): void {
  app.get<Named>(artifactPath(':sha256'), async (request, reply) => {
    const { sha256 } = request.params;
    const file = sha256Schema.safeParse(sha256).success ? await hosted.find(sha256) : null;
    if (file === null) return refuse(reply, 404, 'there is no such content (any more)');
    const { bytes } = file.artifact;
    const range = rangeOf(request.headers.range, bytes);
    void reply.header('accept-ranges', 'bytes').type('application/octet-stream');
    if (range === 'outside') {
      await file.handle.close();
      return refuse(reply.header('content-range', `bytes */${bytes}`), 416, 'the content ends before');
    }
    const { start, end } = range ?? { start: 0, end: bytes - 1 };
    void reply.header('content-length', end - start + 1);
    if (range !== null) void reply.status(206).header('content-range', `bytes ${start}-${end}/${bytes}`);
    if (end < start) {
      await file.handle.close();
      return reply.send('');
    }
    return reply.send(file.handle.createReadStream({ start, end, highWaterMark: chunkBytes }));
  });
}

function uploads(app: FastifyInstance, hosted: HostedArtifacts): void {
  app.head<Named>(artifactPath(':sha256'), async (request, reply) => {
    const { sha256 } = request.params;
    if (!sha256Schema.safeParse(sha256).success) return reply.status(404).send();
    const file = await hosted.find(sha256);
    if (file !== null) {
      await file.handle.close();
      return reply.header('content-length', file.artifact.bytes).header('accept-ranges', 'bytes').send();
    }
    const bytes = lengthSchema.safeParse(request.headers).data?.[headers.length] ?? 0;
    const upload = await hosted.uploads.state({ sha256, bytes });
    const offset = upload.state === 'complete' ? bytes : upload.offset;
    const hasRoom = await hosted.uploads.hasRoom({ sha256, bytes }, offset);
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
    if (!(await hosted.uploads.hasRoom(artifact, offset)))
      return refuse(reply, statuses.full, 'there is no room for it on the disk of the run');
    const taken = await receive(hosted, artifact, offset, request);
    if (taken.offset !== undefined) void reply.header(headers.offset, taken.offset);
    return taken.status === 201 ? reply.status(201).send({}) : refuse(reply, taken.status, taken.message);
  });
}

/** What a PUT is answered with. */
interface Taken {
  readonly status: number;
  readonly message: string;
  /** How much is there. */
  readonly offset?: number;
}

/** Takes what a request sends, and says what became of it. */
async function receive(
  { uploads }: HostedArtifacts,
  artifact: Artifact,
  offset: number,
  { raw: body }: FastifyRequest,
): Promise<Taken> {
  // A sender that was cut off from here does not say so.
  body.setTimeout(uploads.limits.silenceMs, () => body.socket.destroy());
  let outcome: UploadOutcome;
  try {
    // An answer can still be given when not all is taken.
    const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
    outcome = await uploads.receive(artifact, offset, chunks);
  } catch (error) {
    if (error instanceof WrongContent) return { status: statuses.wrong, message: error.message };
    if (error instanceof StorageFailed) return { status: statuses.full, message: error.message };
    throw error;
  } finally {
    body.setTimeout(0);
  }
  switch (outcome.state) {
    case 'complete':
      return { status: 201, message: 'it is all here' };
    case 'busy':
      return { status: statuses.busy, message: 'somebody else sends it', offset: outcome.offset };
    case 'partial':
      return { status: statuses.elsewhere, message: 'it goes on elsewhere', offset: outcome.offset };
  }
}

/**
 * Serves files of a run to those who know the token: what was put (`HostedArtifacts`), by hash and nothing else, and takes
 * what they send.
 * @throws NasError `invalid-input` when the address cannot be listened on.
 */
export async function serveArtifacts(hosted: HostedArtifacts, options: ServeOptions): Promise<ArtifactServer> {
  const { host, port, token, names } = options;
  // Who only works serves nothing, and is spared the loading.
  const { default: fastify } = await import('fastify');
  const app = fastify({ forceCloseConnections: true, exposeHeadRoutes: false });
  app.removeAllContentTypeParsers();
  // Bytes are read as they come, however many.
  app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
  app.setErrorHandler((error, _, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    return refuse(reply, status, messageOf(error));
  });
  checkAccess(app, namesOf(host, names), token);
  uploads(app, hosted);
  downloads(app, hosted);
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
  const tidy = (): void => void hosted.uploads.expire(Date.now()).catch(() => undefined);
  tidy();
  const expiry = setInterval(tidy, hour);
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
