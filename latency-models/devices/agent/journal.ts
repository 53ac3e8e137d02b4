import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeDirectory, writeFileAtomic } from '../../../base/files.js';
import { idSchema, stateSchema, type MeasurementState } from './wire.js';

/** A measurement as the agent remembers it. */
export interface JournalEntry {
  readonly id: string;
  /** Hash of what is measured and how. */
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

/** Results that are kept for those who come back for them. */
const kept = 1000;

const isOver = ({ state }: MeasurementState): boolean => state === 'done' || state === 'failed';

/**
 * What an agent was asked for: a result outlives the connection of who asked for it and, as long as the disk has room,
 * the agent's process. Measurements that were under way when the process ended are lost, and known to be; results of
 * another device, of other settings or of another environment are no results of this agent.
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

  /** Takes effect also when the disk is full; then only a restart forgets it. */
  set(entry: JournalEntry): void {
    const before = this.entries.get(entry.id);
    this.entries.set(entry.id, entry);
    // Progress changes often and need not be written.
    if (before?.state.state === 'running' && entry.state.state === 'running') return;
    try {
      writeFileAtomic(this.fileOf(entry.id), JSON.stringify({ ...entry, measuredBy: this.measuredBy }));
    } catch {
      // Whoever waits gets the result from memory.
    }
    if (this.entries.size > kept) this.forgetOldest();
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

  /** Files that are not the journal's are left alone. */
  private read(file: string): void {
    const parsed = storedSchema.safeParse(jsonOf(file));
    if (!parsed.success || file !== this.fileOf(parsed.data.id)) return;
    const { id, content, state, measuredBy } = parsed.data;
    if (measuredBy !== this.measuredBy) rmSync(file);
    else this.entries.set(id, { id, content, state: isOver(state) ? state : { state: 'lost' } });
  }
}

/** Undefined when a crash has left half a file. */
function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
