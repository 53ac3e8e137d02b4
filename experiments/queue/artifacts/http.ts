import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream/promises';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import type { Artifact } from './artifact.js';
import type { Artifacts, TransferOptions } from './artifacts.js';
import { ArtifactGone, Unreachable, WrongContent } from './failures.js';
import { chunksOf, FileHashes, type OpenFile } from './hashes.js';
import { keepTrying } from './keep-trying.js';
import { writeContent, type PartialFile } from './partial-file.js';
import { downloadPlain, isPlain } from './plain-download.js';
import { Connections, type Exchange, type HttpAddress } from './requests.js';
import { Turns } from './turns.js';
import { artifactPath, errorSchema, headers, offsetSchema, statuses } from './wire.js';

export interface HttpOptions {
  /** So long without any progress is waited for the coordinator, in ms; 2 minutes by default. */
  readonly patienceMs?: number;
  /** A connection on which nothing comes and goes for so long is given up, in ms; 30 seconds by default. */
  readonly silenceMs?: number;
}

/** Smaller files come over connections that are open already. */
const largeBytes = 2 ** 22;

const hint = 'Is nas run still at work, and can this machine reach the address that workers.artifacts says?';

/** Files of a run behind the coordinator's HTTP server (`serveArtifacts`). */
export class HttpArtifacts implements Artifacts {
  private readonly connections: Connections;
  private readonly patienceMs: number;
  private readonly silenceMs: number;
  private readonly hashes = new FileHashes();
  private readonly turns = new Turns();
  private known: HttpAddress | null = null;

  /**
   * @param address where the coordinator is; asked again when it does not answer, as it may be back elsewhere. Null:
   *   there is none at the moment.
   */
  constructor(
    private readonly address: () => Promise<HttpAddress | null>,
    { patienceMs = 120_000, silenceMs = 30_000 }: HttpOptions = {},
  ) {
    this.patienceMs = patienceMs;
    this.silenceMs = silenceMs;
    this.connections = new Connections(silenceMs);
  }

  put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    // What two files of this process have in common is sent once.
    return this.hashes.putting(path, (file) =>
      this.turns.run(`put ${file.artifact.sha256}`, () => this.sendAll(file, path, options)),
    );
  }

  async get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    await this.turns.run(`get ${path}`, async () => {
      if (await this.hashes.has(path, artifact)) return;
      await writeContent(path, artifact, (target) => this.fetchAll(artifact, target, options));
    });
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  close(): Promise<void> {
    this.connections.close();
    return Promise.resolve();
  }

  private sendAll(file: OpenFile, path: string, { signal, onProgress }: TransferOptions): Promise<void> {
    const { sha256, bytes } = file.artifact;
    const what = `sending ${path} to the run`;
    let furthest = 0;
    return keepTrying(
      async (moved) => {
        const advance = (offset: number): void => {
          if (offset > furthest) moved();
          furthest = Math.max(furthest, offset);
          onProgress?.(offset, bytes);
        };
        const asked = await this.exchange({
          method: 'HEAD',
          path: artifactPath(sha256),
          headers: { [headers.length]: bytes },
          signal,
        });
        asked.resume();
        if (asked.statusCode === 200) {
          onProgress?.(bytes, bytes);
          return;
        }
        const offset = offsetSchema.safeParse(asked.headers).data?.[headers.offset] ?? 0;
        advance(offset);
        if (asked.statusCode !== 404) throw await this.refusal(asked, path);
        const answer = await this.exchange({
          method: 'PUT',
          path: artifactPath(sha256),
          headers: {
            'content-type': 'application/octet-stream',
            'content-length': bytes - offset,
            [headers.length]: bytes,
            [headers.offset]: offset,
          },
          body: restOf(file, offset, advance),
          signal,
        });
        if (answer.statusCode === statuses.wrong) {
          answer.resume();
          throw new WrongContent(path, file.artifact);
        }
        if (answer.statusCode !== 201) throw await this.refusal(answer, path);
        answer.resume();
        onProgress?.(bytes, bytes);
      },
      { patienceMs: this.patienceMs, signal, what, hint },
    );
  }

  private fetchAll(artifact: Artifact, target: PartialFile, { signal, onProgress }: TransferOptions): Promise<void> {
    const { sha256, bytes } = artifact;
    const what = `fetching ${sha256.slice(0, 12)} from the run`;
    return keepTrying(
      async (moved) => {
        const start = target.bytes;
        if (start === bytes) return;
        const take = async (piece: Uint8Array): Promise<void> => {
          await target.write(piece);
          moved();
          onProgress?.(target.bytes, bytes);
        };
        if (await this.fetchPlainly(artifact, start, take, signal)) return;
        const answer = await this.exchange({
          method: 'GET',
          path: artifactPath(sha256),
          headers: start === 0 ? {} : { range: `bytes=${start}-` },
          signal,
        });
        if (answer.statusCode === 404) {
          answer.resume();
          throw new ArtifactGone(artifact, 'the run');
        }
        if (answer.statusCode !== 200 && answer.statusCode !== 206) throw await this.refusal(answer, sha256);
        // Something between may not pass on what part is asked for.
        let skipped = answer.statusCode === 206 ? start : 0;
        try {
          for await (const chunk of answer as AsyncIterable<Buffer>) {
            const known = Math.min(chunk.byteLength, start - skipped);
            skipped += known;
            if (known < chunk.byteLength) await take(chunk.subarray(known));
            else moved();
          }
        } catch (error) {
          if (error instanceof NasError) throw error;
          throw this.broken(error);
        }
        if (target.bytes < bytes) throw this.broken(new Error('the connection was closed'));
      },
      { patienceMs: this.patienceMs, signal, what, hint },
    );
  }

  /** @returns whether it did: the usual way does what this one does not. */
  private async fetchPlainly(
    { sha256, bytes }: Artifact,
    start: number,
    take: (piece: Uint8Array) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const address = await this.reach();
    if (bytes - start < largeBytes || !isPlain(address)) return false;
    const { silenceMs } = this;
    try {
      return await downloadPlain(address, { path: artifactPath(sha256), start, bytes, silenceMs, signal }, take);
    } catch (error) {
      throw error instanceof NasError ? error : this.broken(error);
    }
  }

  private async reach(): Promise<HttpAddress> {
    const address = (this.known ??= await this.address());
    if (address === null) throw new Unreachable('no nas run is at work on it');
    return address;
  }

  private async exchange(exchange: Exchange): Promise<IncomingMessage> {
    const address = await this.reach();
    try {
      return await this.connections.send(address, exchange);
    } catch (error) {
      throw error instanceof Unreachable ? this.broken(error) : error;
    }
  }

  private broken(error: unknown): Unreachable {
    this.known = null;
    return error instanceof Unreachable ? error : new Unreachable(messageOf(error), { cause: error });
  }

  /** Why the server does not do what it was asked for; what may pass is `Unreachable`. */
  private async refusal(answer: IncomingMessage, path: string): Promise<Error> {
    const { statusCode = 0 } = answer;
    const { message, hint: advice } = await reasonOf(answer);
    if (statusCode === statuses.full)
      return invalidInput(`${path} cannot be sent: there is no room for it on the disk of the run`, {
        hint: 'Free some space where nas run is at work.',
      });
    // It was begun elsewhere meanwhile, or the coordinator has a new token, or is only starting, or something before it.
    const mayPass = statusCode === statuses.elsewhere || statusCode === statuses.busy || statusCode === 401;
    if (mayPass || statusCode === 429 || statusCode >= 500) return this.broken(new Error(message));
    return invalidInput(`the run refuses: ${message}`, advice === undefined ? {} : { hint: advice });
  }
}

/** What is sent from `offset` on; tells how far the connection has taken it. */
async function* restOf(
  { handle, artifact: { bytes } }: OpenFile,
  offset: number,
  advance: (offset: number) => void,
): AsyncGenerator<Uint8Array> {
  let at = offset;
  for await (const chunk of chunksOf(handle, offset)) {
    // The file may be longer by now; what was hashed is not.
    yield chunk.subarray(0, bytes - at);
    at += chunk.byteLength;
    if (at >= bytes) break;
    advance(at);
  }
}

async function reasonOf(answer: IncomingMessage): Promise<{ message: string; hint?: string | undefined }> {
  const status = `it answers with status ${answer.statusCode ?? 0}`;
  let text = '';
  try {
    for await (const chunk of answer) text = (text + String(chunk)).slice(0, 10_000);
    await finished(answer).catch(() => undefined);
    return errorSchema.parse(JSON.parse(text)).error;
  } catch {
    return { message: status };
  }
}
