import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../../base/errors.js';
import { makeDirectory, writeFileAtomic } from '../../../base/files.js';

/** What is kept of the models that clients upload. */
export interface UploadLimits {
  /** All models together, in bytes. */
  readonly mostBytes: number;
  /** A model for which no measurement is asked is removed after so long, in ms. */
  readonly lifeMs: number;
}

interface Upload {
  readonly bytes: number;
  /** When it was last uploaded, in ms. */
  at: number;
  /** Measurements that need it. */
  uses: number;
}

/** Names of the files that are written here, unfinished ones included. */
const ownFile = /^[0-9a-f]{64}\.onnx(\.\d+\.tmp)?$/;

/**
 * Models on disk, by their SHA-256, as long as a measurement needs them. Those for which none is asked expire, and make
 * room for others before.
 */
export class Uploads {
  private readonly models = new Map<string, Upload>();

  /** Removes what an earlier agent has left in its folder. */
  constructor(
    private readonly folder: string,
    private readonly limits: UploadLimits,
    private readonly now: () => number = Date.now,
  ) {
    makeDirectory(folder);
    for (const name of readdirSync(folder)) if (ownFile.test(name)) rmSync(join(folder, name));
  }

  has(sha256: string): boolean {
    return this.models.has(sha256);
  }

  file(sha256: string): string {
    return join(this.folder, `${sha256}.onnx`);
  }

  /** @throws NasError `failure` when there is no room; the file system's error when it cannot be written. */
  save(sha256: string, bytes: Uint8Array): void {
    const known = this.models.get(sha256);
    if (known !== undefined) known.at = this.now();
    else {
      this.makeRoom(bytes.byteLength);
      writeFileAtomic(this.file(sha256), bytes);
      this.models.set(sha256, { bytes: bytes.byteLength, at: this.now(), uses: 0 });
    }
  }

  /** Keeps models until `release`. */
  use(hashes: readonly string[]): void {
    for (const sha256 of hashes) this.count(sha256, 1);
  }

  /** Removes those that no other measurement needs. */
  release(hashes: readonly string[]): void {
    for (const sha256 of hashes) if (this.count(sha256, -1) === 0) this.remove(sha256);
  }

  /** Removes what nobody has asked to measure for too long. */
  expire(): void {
    for (const [sha256, { at }] of this.unused()) if (this.now() - at >= this.limits.lifeMs) this.remove(sha256);
  }

  private makeRoom(bytes: number): void {
    this.expire();
    const total = (): number => [...this.models.values()].reduce((sum, model) => sum + model.bytes, bytes);
    for (const [sha256] of this.unused()) if (total() > this.limits.mostBytes) this.remove(sha256);
    if (total() > this.limits.mostBytes)
      throw new NasError('failure', 'the models of the measurements that wait fill all the room there is for models');
  }

  /** The longest unused first. */
  private unused(): [string, Upload][] {
    return [...this.models].filter(([, { uses }]) => uses === 0).sort(([, a], [, b]) => a.at - b.at);
  }

  private count(sha256: string, change: number): number {
    const upload = this.models.get(sha256);
    return upload === undefined ? NaN : (upload.uses += change);
  }

  private remove(sha256: string): void {
    this.models.delete(sha256);
    rmSync(this.file(sha256), { force: true });
  }
}
