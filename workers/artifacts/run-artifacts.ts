import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../base/errors.js';
import type { ArtifactsAddress } from '../registry.js';
import { FilesUnreachable, type Artifact, type Artifacts, type TransferOptions } from './artifact.js';
import { Unreachable, writeContent, type Transfer } from './content-file.js';
import { FileHashes, KeyedQueue } from './files.js';
import { HttpTransport } from './http.js';

export interface RunArtifactsOptions {
  /** How long an unreachable coordinator is retried without any progress, in ms; default 2 minutes. */
  readonly patienceMs?: number;
  /** A transfer without any progress for so long is reported, in ms; default 15 seconds. */
  readonly troubleMs?: number;
  /** A connection without a byte in either direction for so long is given up, in ms; default 30 seconds. */
  readonly silenceMs?: number;
}

/** Pauses between two attempts, in ms: each twice the one before. */
const [firstPause, longestPause] = [100, 2000];

/** A run's contents behind the HTTP server of its coordinator. */
export class RunArtifacts implements Artifacts {
  private readonly patienceMs: number;
  private readonly troubleMs: number;
  private readonly silenceMs: number;
  private readonly hashes = new FileHashes();
  private readonly queue = new KeyedQueue();
  private transport: HttpTransport | null = null;

  /**
   * @param address asked again after a failure, because a resumed coordinator has another one. Null: no coordinator is at
   *   work
   */
  constructor(
    private readonly address: () => Promise<ArtifactsAddress | null>,
    { patienceMs = 120_000, troubleMs = 15_000, silenceMs = 30_000 }: RunArtifactsOptions = {},
  ) {
    this.patienceMs = patienceMs;
    this.troubleMs = troubleMs;
    this.silenceMs = silenceMs;
  }

  put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    // Two files with the same content are sent once.
    return this.hashes.putting(path, (file) =>
      this.queue.run(`put ${file.artifact.sha256}`, () =>
        this.transfer(`sending ${path} to the run`, file.artifact, options, (transport, transfer) =>
          transport.send(file, transfer),
        ),
      ),
    );
  }

  async get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    await this.queue.run(`get ${path}`, async () => {
      if (await this.hashes.has(path, artifact)) return;
      const what = `fetching ${artifact.sha256.slice(0, 12)} from the run`;
      await writeContent(path, artifact, (target) =>
        this.transfer(what, artifact, options, (transport, transfer) => transport.fetch(artifact, target, transfer)),
      );
    });
    options.onProgress?.(artifact.bytes, artifact.bytes);
  }

  /** Repeats a transfer while it throws `Unreachable`; progress starts the patience anew. */
  private async transfer(
    what: string,
    { bytes }: Artifact,
    { signal, onProgress, onTrouble }: TransferOptions,
    attempt: (transport: HttpTransport, transfer: Transfer) => Promise<void>,
  ): Promise<void> {
    let since = performance.now();
    let pause = firstPause;
    let isReported = false;
    const advance = (done: number): void => {
      since = performance.now();
      pause = firstPause;
      onProgress?.(done, bytes);
    };
    for (;;) {
      signal?.throwIfAborted();
      try {
        this.transport ??= await this.find();
        await attempt(this.transport, { signal, advance });
        onProgress?.(bytes, bytes);
        return;
      } catch (cause) {
        this.transport = null;
        signal?.throwIfAborted();
        if (!(cause instanceof Unreachable)) throw cause;
        const idle = performance.now() + pause - since;
        if (idle > this.troubleMs && !isReported) onTrouble?.(messageOf(cause));
        isReported ||= idle > this.troubleMs;
        if (idle > this.patienceMs)
          throw new FilesUnreachable(`${what} has not gone on for ${this.patienceMs / 1000} s: ${messageOf(cause)}`, {
            hint: 'Is nas run still at work, and can this machine reach the address that workers.artifacts says?',
            cause,
          });
      }
      await sleep(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
      pause = Math.min(longestPause, 2 * pause);
    }
  }

  private async find(): Promise<HttpTransport> {
    const address = await this.address();
    if (address === null) throw new Unreachable('no nas run is at work on it');
    return new HttpTransport(address, this.silenceMs);
  }
}
