import { existsSync } from 'node:fs';
import type { Artifact, FileIn } from '../artifacts/artifact.js';
import type { Folders } from '../wire.js';

/** A file in one of a job's folders. */
export interface FolderFile {
  /** The folder's symbol. */
  readonly symbol: string;
  /** Within the folder, with `/`. */
  readonly inside: string;
  /** On this machine. */
  readonly file: string;
}

export interface UploadOptions {
  /** Makes a content available to others. */
  put(file: string, signal: AbortSignal): Promise<Artifact>;
  /** Told the files in all folders whenever one of them is there for others. */
  onFiles(folders: Folders): Promise<void>;
  /** Where the folders are, to know which files are still there. */
  locate(symbol: string, inside: string): string;
  readonly signal: AbortSignal;
}

const keyOf = ({ symbol, inside }: Pick<FolderFile, 'symbol' | 'inside'>): string => `${symbol}/${inside}`;

/**
 * Makes the files that a job tells of available to others while the job goes on: one after the other, and of a file that is
 * written often only the newest. What fails is tried again with the next file, or in the end.
 */
export class Uploads {
  private readonly waiting = new Map<string, FolderFile>();
  private readonly there = new Map<string, { readonly symbol: string; readonly content: FileIn }>();
  private readonly symbols: readonly string[];
  private working: Promise<void> | null = null;

  /** @param initial what others have: the files with which the job began. */
  constructor(
    initial: Folders,
    private readonly options: UploadOptions,
  ) {
    this.symbols = Object.keys(initial);
    for (const [symbol, files] of Object.entries(initial))
      for (const content of files) this.there.set(keyOf({ symbol, inside: content.path }), { symbol, content });
  }

  /** A file was written. */
  tell(file: FolderFile): void {
    this.waiting.set(keyOf(file), file);
    this.begin();
  }

  /** A file is there that nobody told of: it is one for others where they have none. */
  mention(file: FolderFile): void {
    if (!this.there.has(keyOf(file))) this.tell(file);
  }

  /**
   * The files in the job's folders, once all that were told of are there for others.
   * @throws what `put` throws
   */
  async flush(): Promise<Folders> {
    await this.working;
    while (this.waiting.size > 0) await this.next();
    for (const [key, { symbol, content }] of this.there)
      if (!existsSync(this.options.locate(symbol, content.path))) this.there.delete(key);
    return this.folders();
  }

  private begin(): void {
    this.working ??= this.work().finally(() => (this.working = null));
  }

  private async work(): Promise<void> {
    try {
      while (this.waiting.size > 0 && !this.options.signal.aborted) {
        await this.next();
        await this.options.onFiles(this.folders());
      }
    } catch {
      // Tried again with the next file; in the end it is said.
    }
  }

  private async next(): Promise<void> {
    const [entry] = this.waiting;
    const [key, file] = entry;
    this.waiting.delete(key);
    try {
      const artifact = await this.options.put(file.file, this.options.signal);
      this.there.set(key, { symbol: file.symbol, content: { path: file.inside, ...artifact } });
    } catch (error) {
      // The job has removed it again: a checkpoint that is not needed any more.
      if (!existsSync(file.file)) this.there.delete(key);
      else {
        if (!this.waiting.has(key)) this.waiting.set(key, file);
        throw error;
      }
    }
  }

  private folders(): Folders {
    const folders: Record<string, FileIn[]> = Object.fromEntries(this.symbols.map((symbol) => [symbol, []]));
    for (const { symbol, content } of this.there.values()) (folders[symbol] ??= []).push(content);
    return folders;
  }
}
