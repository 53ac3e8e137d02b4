import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { NasError } from '../../../base/errors.js';
import { makeDirectory, writeFileAtomic } from '../../../base/files.js';
import { idSchema, stateSchema, type MeasurementState } from './wire.js';

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

/** Names of files that this class writes, temporary ones included. */
const ownFile = /^[0-9a-f]{64}\.onnx(\.\d+\.tmp)?$/;

/** Uploaded models on disk, by their SHA-256, while measurements need them. Unused ones expire, or make room for others. */
export class Uploads {
  private readonly models = new Map<string, Upload>();

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
    const total = (): number => [...this.models.values()].reduce((sum, model) => sum + model.bytes, bytes);
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
