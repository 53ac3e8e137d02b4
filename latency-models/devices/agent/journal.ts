import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDirectory, writeFileAtomic } from '../../../base/files.js';
import { idSchema, stateSchema, type MeasurementState } from './wire.js';

const entrySchema = z.object({ id: idSchema, content: z.string(), state: stateSchema });

/** A measurement as the agent remembers it. */
export interface JournalEntry {
  readonly id: string;
  /** Hash of what is measured and how. */
  readonly content: string;
  readonly state: MeasurementState;
}

/** Results that are kept for those who come back for them. */
const kept = 1000;

/**
 * What an agent was asked for, on disk: a result outlives the connection of who asked for it, and the agent's process.
 * Measurements that were under way when the process ended are lost, and known to be.
 */
export class Journal {
  private readonly entries = new Map<string, JournalEntry>();
  private readonly jobs: string;
  private readonly models: string;

  constructor(directory: string) {
    this.jobs = join(directory, 'measurements');
    this.models = join(directory, 'models');
    for (const folder of [this.jobs, this.models]) makeDirectory(folder);
    for (const file of readdirSync(this.models)) rmSync(join(this.models, file));
    for (const file of this.files()) this.read(file);
  }

  get(id: string): JournalEntry | undefined {
    return this.entries.get(id);
  }

  /** Progress changes often and need not be written. */
  set(entry: JournalEntry): void {
    const before = this.entries.get(entry.id);
    this.entries.set(entry.id, entry);
    if (before?.state.state === 'running' && entry.state.state === 'running') return;
    writeFileAtomic(this.fileOf(entry.id), JSON.stringify(entry));
  }

  saveModel(sha256: string, bytes: Uint8Array): void {
    if (!this.hasModel(sha256)) writeFileAtomic(this.modelFile(sha256), bytes);
  }

  hasModel(sha256: string): boolean {
    return existsSync(this.modelFile(sha256));
  }

  modelFile(sha256: string): string {
    return join(this.models, `${sha256}.onnx`);
  }

  removeModels(hashes: readonly string[]): void {
    for (const sha256 of hashes) rmSync(this.modelFile(sha256), { force: true });
  }

  private fileOf(id: string): string {
    return join(this.jobs, `${id}.json`);
  }

  /** The newest files; older ones are removed. */
  private files(): string[] {
    const files = readdirSync(this.jobs)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(this.jobs, name));
    const byAge = files.map((file) => ({ file, at: statSync(file).mtimeMs })).sort((a, b) => b.at - a.at);
    for (const { file } of byAge.slice(kept)) rmSync(file);
    return byAge.slice(0, kept).map(({ file }) => file);
  }

  private read(file: string): void {
    const parsed = entrySchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (!parsed.success) return;
    const { id, content, state } = parsed.data;
    const isOver = state.state === 'done' || state.state === 'failed';
    this.entries.set(id, { id, content, state: isOver ? state : { state: 'lost' } });
  }
}
