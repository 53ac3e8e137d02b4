import { Agent as PlainAgent, request as plainRequest, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { codeOf, messageOf, NasError } from '../../base/errors.js';
import { jsonIn } from '../../base/text.js';
import type { ArtifactsAddress } from '../registry.js';
import { ArtifactGone, FilesRefused, FilesUnreachable, WrongContent, type Artifact } from './artifact.js';
import { append, Unreachable, type ContentFile, type Transfer } from './content-file.js';
import { readFrom, type OpenFile } from './files.js';
import { artifactPath, errorSchema, headers, offsetSchema, statuses } from './server.js';

interface Request {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: AsyncIterable<Uint8Array>;
}

/** Sends and fetches contents through the coordinator's HTTP server (`serveArtifacts`). */
export class HttpTransport {
  private readonly agent: PlainAgent | TlsAgent;

  /** @param silenceMs a connection without a byte in either direction for so long is given up */
  constructor(
    private readonly server: ArtifactsAddress,
    private readonly silenceMs: number,
  ) {
    this.agent = new (server.url.startsWith('https:') ? TlsAgent : PlainAgent)({ keepAlive: true });
  }

  /** Sends what the run lacks of a content. @throws Unreachable; FilesUnreachable; the signal's reason */
  async send(file: OpenFile, transfer: Transfer): Promise<void> {
    const { artifact, path } = file;
    const length = { [headers.length]: String(artifact.bytes) };
    const known = await this.exchange(artifact, { method: 'HEAD', headers: length }, transfer);
    if (known.statusCode !== 200 && known.statusCode !== 404) throw await this.refusal(known, artifact, path);
    known.resume();
    if (known.statusCode === 200) return;
    const offset = offsetSchema.safeParse(known.headers).data?.[headers.offset] ?? 0;
    const place = { ...length, [headers.offset]: String(offset), 'content-type': 'application/octet-stream' };
    const body = restOf(file, offset, transfer);
    const answer = await this.exchange(artifact, { method: 'PUT', headers: place, body }, transfer);
    if (answer.statusCode !== 201) throw await this.refusal(answer, artifact, path);
    answer.resume();
  }

  /** Appends to a file what it lacks. @throws as `send`; ArtifactGone; errors of ContentFile */
  async fetch(artifact: Artifact, target: ContentFile, transfer: Transfer): Promise<void> {
    if (target.bytes === artifact.bytes) return;
    const pieces = await this.fetchRest(artifact, target.bytes, transfer);
    try {
      await append(pieces, target, transfer);
    } catch (error) {
      throw error instanceof NasError ? error : this.unreachable(error);
    }
    if (target.bytes < artifact.bytes) throw this.unreachable(new Error('the connection was closed'));
  }

  private async fetchRest(artifact: Artifact, start: number, transfer: Transfer): Promise<AsyncIterable<Uint8Array>> {
    const range: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` };
    const answer = await this.exchange(artifact, { method: 'GET', headers: range }, transfer);
    const { statusCode } = answer;
    if (statusCode !== 200 && statusCode !== 206) throw await this.refusal(answer, artifact, artifact.sha256);
    // A proxy may ignore the range and send everything.
    return after(statusCode === 206 ? 0 : start, answer);
  }

  /** Sends a request. @returns the answer, whose body may follow. @throws Unreachable; the error of an aborted signal */
  private exchange(
    { sha256 }: Artifact,
    { method, headers: own = {}, body }: Request,
    { signal }: Transfer,
  ): Promise<IncomingMessage> {
    const { server, agent, silenceMs } = this;
    const url = new URL(server.url.replace(/\/+$/, '') + artifactPath(sha256));
    const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(this.unreachable(error));
      const request = send(url, {
        method,
        headers: { authorization: `Bearer ${server.token}`, ...own },
        agent,
        timeout: silenceMs,
        ...(signal !== undefined && { signal }),
      });
      request.on('timeout', () => request.destroy(new Error(`nothing came or went for ${silenceMs / 1000} s`)));
      request.on('error', fail);
      request.on('response', resolve);
      if (body === undefined) request.end();
      else pipeline(Readable.from(body), request).catch(fail);
    });
  }

  private unreachable(error: unknown): Unreachable {
    return new Unreachable(`${new URL(this.server.url).host}: ${reasonOf(error)}`, { cause: error });
  }

  /** The error for a refused request: `Unreachable` if a later attempt may succeed. */
  private async refusal(answer: IncomingMessage, artifact: Artifact, path: string): Promise<Error> {
    const { statusCode = 0 } = answer;
    const parts = (await answer.toArray().catch(() => [])) as Uint8Array[];
    if (statusCode === 404) return new ArtifactGone(artifact);
    if (statusCode === statuses.wrong) return new WrongContent(path, artifact);
    if (statusCode === statuses.full)
      return new FilesUnreachable(`${path} cannot be sent: there is no room for it on the disk of the run`, {
        hint: 'Free some space where nas run is at work.',
      });
    const parsed = errorSchema.safeParse(jsonIn(Buffer.concat(parts).toString('utf8'))).data;
    const { message, hint } = parsed?.error ?? { message: `it answers with status ${statusCode}` };
    // Another sender, a new token of a resumed coordinator, or a proxy whose coordinator is still starting.
    const mayPass: readonly number[] = [statuses.elsewhere, 401, 429];
    if (mayPass.includes(statusCode) || statusCode >= 500) return this.unreachable(new Error(message));
    return new FilesRefused(`the files of the run cannot be reached: ${this.server.url} refuses: ${message}`, {
      hint: hint ?? 'Does workers.artifacts name the address of nas run, and does a proxy between let requests pass?',
    });
  }
}

function reasonOf(error: unknown): string {
  const [code, text] = [codeOf(error), messageOf(error)];
  return text.includes(code) ? text : `${code} ${text}`;
}

/** The bytes that follow the first ones. */
async function* after(skip: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk.subarray(Math.min(skip, chunk.byteLength));
    skip = Math.max(0, skip - chunk.byteLength);
  }
}

/** The bytes of a file from `offset`; tells how many the connection has taken. */
async function* restOf(
  { handle, artifact: { bytes } }: OpenFile,
  offset: number,
  { advance }: Transfer,
): AsyncGenerator<Uint8Array> {
  let at = offset;
  for await (const chunk of readFrom(handle, offset, bytes)) {
    // A copy, which the request may keep.
    yield Buffer.from(chunk);
    at += chunk.byteLength;
    if (at < bytes) advance(at);
  }
}
