import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NasError } from '../../base/errors.js';
import { makeDirectory, writeFileAtomic } from '../../base/files.js';
import { idSchema, stateSchema, type MeasurementState } from '../devices/agent/wire.js';

interface JournalEntry {
  readonly id: string;
  /** Hash of the models and the protocol. */
  readonly content: string;
  readonly state: MeasurementState;
}

const storedSchema = z.object({
  id: idSchema,
  content: z.string(),
  state: stateSchema,
  /** Hash of the device, its settings and its environment. */
  measuredBy: z.string(),
});

/** Most measurements that the journal keeps. */
const maxKept = 1000;

const isOver = ({ state }: MeasurementState): boolean => state === 'done' || state === 'failed';

/**
 * The measurements of an agent. Results outlive the client's connection and, unless the disk is full, the agent's process.
 * Measurements that a restart interrupted are `lost`. Results of another device, other settings or another environment are
 * removed.
 */
export class Journal {
  private readonly entries = new Map<string, JournalEntry>();

  constructor(
    private readonly folder: string,
    private readonly measuredBy: string,
  ) {
    makeDirectory(folder);
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name));
    const byAge = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => a.at - b.at);
    for (const { file } of byAge) this.read(file);
  }

  get(id: string): JournalEntry | undefined {
    return this.entries.get(id);
  }

  /** When the disk is full, the entry is kept until a restart. */
  set(entry: JournalEntry): void {
    const before = this.entries.get(entry.id);
    this.entries.set(entry.id, entry);
    // Progress changes often and is not written.
    if (before?.state.state === 'running' && entry.state.state === 'running') return;
    try {
      writeFileAtomic(this.fileOf(entry.id), JSON.stringify({ ...entry, measuredBy: this.measuredBy }));
    } catch {
      // Clients get the result from memory.
    }
    if (this.entries.size > maxKept) this.forgetOldest();
  }

  private fileOf(id: string): string {
    return join(this.folder, `${id}.json`);
  }

  private forgetOldest(): void {
    for (const { id, state } of this.entries.values()) {
      if (state.state === 'queued' || state.state === 'running') continue;
      this.entries.delete(id);
      rmSync(this.fileOf(id), { force: true });
      return;
    }
  }

  /** Ignores other files. */
  private read(file: string): void {
    const parsed = storedSchema.safeParse(jsonOf(file));
    if (!parsed.success || file !== this.fileOf(parsed.data.id)) return;
    const { id, content, state, measuredBy } = parsed.data;
    if (measuredBy !== this.measuredBy) rmSync(file);
    else this.entries.set(id, { id, content, state: isOver(state) ? state : { state: 'lost' } });
  }
}

/** Undefined for a file that a crash has truncated. */
function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

interface UploadLimits {
  /** Of all models together. */
  readonly maxBytes: number;
  /** A model without a measurement is removed after this long, in ms. */
  readonly lifeMs: number;
}

interface Upload {
  readonly bytes: number;
  /** When it was last uploaded, in ms. */
  at: number;
  /** Measurements that need it. */
  uses: number;
}

/** Most models that arrive at the same time. */
const mostAtOnce = 8;

/** Why a model is not kept: its bytes are others, or too many others arrive. */
export type UploadProblem = 'wrong' | 'busy';

/** Names of files that this class writes, temporary ones included. */
const ownFile = /^[0-9a-f]{64}\.onnx(\.\d+\.tmp)?$/;

/** Uploaded models on disk, by their SHA-256, while measurements need them. Unused ones expire, or make room for others. */
export class Uploads {
  private readonly models = new Map<string, Upload>();
  /** Sizes of models that arrive, by their temporary files. */
  private readonly arriving = new Map<string, number>();
  private received = 0;

  /** Removes files of an earlier agent. */
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

  /** Sizes of models together, each as often as it is listed. */
  bytesOf(hashes: readonly string[]): number {
    return hashes.reduce((sum, sha256) => sum + (this.models.get(sha256)?.bytes ?? 0), 0);
  }

  /**
   * Writes a model of so many bytes as it arrives; memory holds one chunk.
   * @throws NasError `failure` when there is no room; the file system's error when it cannot be written.
   */
  async receive(sha256: string, bytes: number, body: AsyncIterable<Uint8Array>): Promise<UploadProblem | null> {
    if (this.arriving.size >= mostAtOnce) return 'busy';
    const temporary = `${this.file(sha256)}.${this.received++}.tmp`;
    if (!this.has(sha256)) this.makeRoom(bytes);
    this.arriving.set(temporary, bytes);
    try {
      if (!(await isWritten(temporary, sha256, body))) return 'wrong';
      const { uses = 0 } = this.models.get(sha256) ?? {};
      renameSync(temporary, this.file(sha256));
      this.models.set(sha256, { bytes, at: this.now(), uses });
      return null;
    } finally {
      this.arriving.delete(temporary);
      rmSync(temporary, { force: true });
    }
  }

  /** Keeps models until `release`. */
  use(hashes: readonly string[]): void {
    for (const sha256 of hashes) this.count(sha256, 1);
  }

  /** Removes models that no other measurement needs. */
  release(hashes: readonly string[]): void {
    for (const sha256 of hashes) if (this.count(sha256, -1) === 0) this.remove(sha256);
  }

  /** Removes models that were unused for too long. */
  expire(): void {
    for (const [sha256, { at }] of this.unused()) if (this.now() - at >= this.limits.lifeMs) this.remove(sha256);
  }

  private makeRoom(bytes: number): void {
    this.expire();
    const sizes = (): number[] => [...[...this.models.values()].map((model) => model.bytes), ...this.arriving.values()];
    const total = (): number => sizes().reduce((sum, size) => sum + size, bytes);
    for (const [sha256] of this.unused()) if (total() > this.limits.maxBytes) this.remove(sha256);
    if (total() > this.limits.maxBytes)
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

/** Writes a file; false when its bytes have another hash. */
async function isWritten(path: string, sha256: string, body: AsyncIterable<Uint8Array>): Promise<boolean> {
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for await (const chunk of body) {
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex') === sha256;
}
