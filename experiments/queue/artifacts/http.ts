import { setTimeout as sleep } from 'node:timers/promises';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import type { ArtifactsAddress } from '../registry.js';
import {
  type Artifact,
  ArtifactGone,
  type Artifacts,
  type TransferOptions,
  Unreachable,
  WrongContent,
} from './artifact.js';
import { writeContent, type ContentFile } from './content-file.js';
import { chunksOf, FileHashes, KeyedQueue, type OpenFile } from './files.js';
import { downloadPlain } from './plain-download.js';
import { artifactPath, errorSchema, headers, offsetSchema, statuses } from './server.js';

export interface HttpOptions {
  /** How long an unreachable coordinator is retried without any progress, in ms; default 2 minutes. */
  readonly patienceMs?: number;
  /** A connection without a byte in either direction for so long is given up, in ms; default 30 seconds. */
  readonly silenceMs?: number;
}

/** Smaller files are fetched over connections that are open already. */
const largeBytes = 2 ** 22;

/** Pauses between two attempts, in ms: each twice the one before. */
const [firstPause, longestPause] = [100, 2000];

interface Retries {
  readonly patienceMs: number;
  readonly signal?: AbortSignal | undefined;
  /** For people: `fetching 1a2b3c from the run`. */
  readonly what: string;
  readonly hint: string;
}

/**
 * Repeats an attempt while it throws `Unreachable`; each call of `progressed` starts the patience anew.
 * @throws NasError `failure` when the patience is over; other errors of `attempt`
 */
export async function retryUnreachable<T>(
  attempt: (progressed: () => void) => Promise<T>,
  { patienceMs, signal, what, hint }: Retries,
): Promise<T> {
  let since = performance.now();
  let pause = firstPause;
  const progressed = (): void => {
    since = performance.now();
    pause = firstPause;
  };
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt(progressed);
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof Unreachable)) throw cause;
      if (performance.now() + pause - since > patienceMs)
        throw new NasError('failure', `${what} has not gone on for ${patienceMs / 1000} s: ${messageOf(cause)}`, {
          hint,
          cause,
        });
    }
    await sleep(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    pause = Math.min(longestPause, 2 * pause);
  }
}

interface Request {
  readonly method: 'GET' | 'HEAD' | 'PUT';
  readonly artifact: Artifact;
  readonly headers?: Readonly<Record<string, string>>;
  /** Calls `transferred` when the connection has taken bytes. */
  readonly body?: (transferred: () => void) => AsyncIterable<Uint8Array>;
}

const hint = 'Is nas run still at work, and can this machine reach the address that workers.artifacts says?';

/** A run's contents behind the coordinator's HTTP server (`serveArtifacts`). */
export class HttpArtifacts implements Artifacts {
  private readonly patienceMs: number;
  private readonly silenceMs: number;
  private readonly hashes = new FileHashes();
  private readonly queue = new KeyedQueue();
  private known: Extract<ArtifactsAddress, { type: 'http' }> | null = null;

  /**
   * @param address of the coordinator; asked again when it does not answer, as a resumed one has another. Null: no
   *   coordinator is at work
   */
  constructor(
    private readonly address: () => Promise<ArtifactsAddress | null>,
    { patienceMs = 120_000, silenceMs = 30_000 }: HttpOptions = {},
  ) {
    this.patienceMs = patienceMs;
    this.silenceMs = silenceMs;
  }

  put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    // Two files with the same content are sent once.
    return this.hashes.putting(path, (file) =>
      this.queue.run(`put ${file.artifact.sha256}`, () =>
        this.retry(`sending ${path} to the run`, options, (progressed) => this.send(file, path, options, progressed)),
      ),
    );
  }

  async get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    await this.queue.run(`get ${path}`, async () => {
      if (await this.hashes.has(path, artifact)) return;
      const what = `fetching ${artifact.sha256.slice(0, 12)} from the run`;
      await writeContent(path, artifact, (target) =>
        this.retry(what, options, (progressed) => this.fetchRest(artifact, target, options, progressed)),
      );
    });
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  private retry(
    what: string,
    { signal }: TransferOptions,
    attempt: (progressed: () => void) => Promise<void>,
  ): Promise<void> {
    return retryUnreachable(attempt, { patienceMs: this.patienceMs, signal, what, hint });
  }

  /** Sends the bytes that the server does not have yet. */
  private async send(
    file: OpenFile,
    path: string,
    { signal, onProgress }: TransferOptions,
    progressed: () => void,
  ): Promise<void> {
    const { artifact } = file;
    const { bytes } = artifact;
    const length = { [headers.length]: String(bytes) };
    let offset = 0;
    const known = await this.exchange({ method: 'HEAD', artifact, headers: length }, signal, async (answer) => {
      offset = offsetSchema.safeParse(Object.fromEntries(answer.headers)).data?.[headers.offset] ?? 0;
      if (answer.status !== 200 && answer.status !== 404) throw await this.refusal(answer, path);
      return answer.status === 200;
    });
    if (!known) {
      const place = { ...length, [headers.offset]: String(offset), 'content-type': 'application/octet-stream' };
      const body = (transferred: () => void): AsyncIterable<Uint8Array> =>
        restOf(file, offset, (at) => {
          transferred();
          progressed();
          onProgress?.(at, bytes);
        });
      await this.exchange({ method: 'PUT', artifact, headers: place, body }, signal, async (answer) => {
        if (answer.status === statuses.wrong) throw new WrongContent(path, artifact);
        if (answer.status !== 201) throw await this.refusal(answer, path);
      });
    }
    onProgress?.(bytes, bytes);
  }

  /** Appends what a file lacks. */
  private async fetchRest(
    artifact: Artifact,
    target: ContentFile,
    { signal, onProgress }: TransferOptions,
    progressed: () => void,
  ): Promise<void> {
    const start = target.bytes;
    if (start === artifact.bytes) return;
    const take = async (piece: Uint8Array): Promise<void> => {
      progressed();
      signal?.throwIfAborted();
      await target.write(piece);
      onProgress?.(target.bytes, artifact.bytes);
    };
    if (await this.fetchPlain(artifact, start, signal, take)) return;
    const range: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` };
    await this.exchange({ method: 'GET', artifact, headers: range }, signal, async (answer, transferred) => {
      if (answer.status === 404) throw new ArtifactGone(artifact, 'the run');
      if (answer.status !== 200 && answer.status !== 206) throw await this.refusal(answer, artifact.sha256);
      // A proxy may ignore the range and send everything.
      let skip = answer.status === 206 ? 0 : start;
      for await (const chunk of (answer.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
        const rest = chunk.subarray(Math.min(skip, chunk.byteLength));
        skip -= chunk.byteLength - rest.byteLength;
        transferred();
        await take(rest);
      }
    });
    if (target.bytes < artifact.bytes) throw this.unreachable(new Error('the connection was closed'));
  }

  /** Fetches a large rest over plain HTTP. @returns false, before any byte, when Node's client has to do it */
  private async fetchPlain(
    { sha256, bytes }: Artifact,
    start: number,
    signal: AbortSignal | undefined,
    take: (piece: Uint8Array) => Promise<void>,
  ): Promise<boolean> {
    const address = (this.known ??= await this.httpAddress());
    if (bytes - start < largeBytes || !address.url.startsWith('http:')) return false;
    const { silenceMs } = this;
    try {
      return await downloadPlain(address, { path: artifactPath(sha256), start, bytes, silenceMs, signal }, take);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof NasError ? error : this.unreachable(error);
    }
  }

  /**
   * Sends a request, and has its answer read while it is watched.
   * @throws Unreachable when the connection fails; NasError as `read`; the signal's reason
   */
  private async exchange<T>(
    { method, artifact, headers: own = {}, body }: Request,
    signal: AbortSignal | undefined,
    read: (answer: Response, transferred: () => void) => Promise<T>,
  ): Promise<T> {
    this.known ??= await this.httpAddress();
    const { url, token } = this.known;
    const ending = new AbortController();
    const silent = new Error(`nothing came or went for ${this.silenceMs / 1000} s`);
    const silence = setTimeout(() => ending.abort(silent), this.silenceMs);
    const transferred = (): void => void silence.refresh();
    try {
      const answer = await fetch(url.replace(/\/+$/, '') + artifactPath(artifact.sha256), {
        method,
        headers: { authorization: `Bearer ${token}`, ...own },
        redirect: 'error',
        signal: signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]),
        ...(body !== undefined && streaming(body(transferred))),
      });
      const result = await read(answer, transferred);
      // An unread body would keep its connection from being used again.
      await answer.body?.cancel().catch(() => undefined);
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof NasError || error instanceof Unreachable) throw error;
      throw this.unreachable(error);
    } finally {
      clearTimeout(silence);
      // A body may still be on its way.
      ending.abort();
    }
  }

  private async httpAddress(): Promise<Extract<ArtifactsAddress, { type: 'http' }>> {
    const address = await this.address();
    if (address?.type !== 'http') throw new Unreachable('no nas run is at work on it');
    return address;
  }

  /** The next attempt asks for the address again. */
  private unreachable(error: unknown): Unreachable {
    const host = this.known === null ? '' : `${new URL(this.known.url).host}: `;
    this.known = null;
    return new Unreachable(`${host}${reasonOf(error)}`, { cause: error });
  }

  /** Why the server refuses a request: `Unreachable` when that may pass. */
  private async refusal(answer: Response, path: string): Promise<Error> {
    const { status } = answer;
    const parsed = errorSchema.safeParse(await answer.json().catch(() => null)).data;
    const { message, hint: advice } = parsed?.error ?? { message: `it answers with status ${status}` };
    if (status === statuses.full)
      return invalidInput(`${path} cannot be sent: there is no room for it on the disk of the run`, {
        hint: 'Free some space where nas run is at work.',
      });
    // Another sender, a resumed coordinator with a new token, or a proxy before one that starts.
    const mayPass: readonly number[] = [statuses.elsewhere, statuses.busy, 401, 429];
    if (mayPass.includes(status) || status >= 500) return this.unreachable(new Error(message));
    return invalidInput(`the run refuses: ${message}`, advice === undefined ? {} : { hint: advice });
  }
}

/** Node's fetch sends an asynchronous iterable as it comes; the types of the DOM do not know that. */
const streaming = (body: AsyncIterable<Uint8Array>): RequestInit =>
  ({ body, duplex: 'half' }) as unknown as RequestInit;

/** Why a request failed: fetch hides the reason in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? `${String(cause.code)} ` : '';
  const text = messageOf(cause);
  return text.startsWith(code) ? text : `${code}${text}`;
}

/** The bytes of a file from `offset`; tells how many the connection has taken. */
async function* restOf(
  { handle, artifact: { bytes } }: OpenFile,
  offset: number,
  advance: (offset: number) => void,
): AsyncGenerator<Uint8Array> {
  let at = offset;
  for await (const chunk of chunksOf(handle, offset, bytes)) {
    // A copy, which fetch may keep.
    yield Buffer.from(chunk);
    at += chunk.byteLength;
    if (at < bytes) advance(at);
  }
}
