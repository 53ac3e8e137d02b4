import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import PQueue from 'p-queue';
import type { Artifact, FileIn } from '../artifacts/artifact.js';
import type { Folders } from '../transport/messages.js';

/** The folders of a killed worker's jobs are kept for a week, in ms: another worker of this machine may be using them. */
const keptMs = 7 * 24 * 3600 * 1000;

/** Removes old folders of jobs. @param now in ms, of the clock that dates files */
export function sweepJobFolders(directory: string, now: number): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (now - newest(path) > keptMs) rmSync(path, { recursive: true, force: true });
  }
}

/** When something in a folder was last written, in ms; infinite when the folder is gone. */
function newest(path: string): number {
  try {
    return Math.max(statSync(path).mtimeMs, ...readdirSync(path).map((name) => statSync(join(path, name)).mtimeMs));
  } catch {
    return Infinity;
  }
}

/** A file in one of a job's folders. */
export interface FolderFile {
  /** The folder's symbol. */
  readonly symbol: string;
  /** Path within the folder, with `/`. */
  readonly inside: string;
  /** Path on this machine. */
  readonly file: string;
}

interface UploadOptions {
  put(file: string): Promise<Artifact>;
  /** Called after each upload with the files in all folders. */
  onFiles(folders: Folders): void;
  /** The path of a file on this machine. */
  locate(symbol: string, inside: string): string;
}

const keyOf = ({ symbol, inside }: Pick<FolderFile, 'symbol' | 'inside'>): string => `${symbol}/${inside}`;

/**
 * Uploads the files that a job reports while it runs: one at a time, and of a file that is written often only the newest
 * version. A failed upload is repeated at the end.
 */
export class JobUploads {
  private readonly queue = new PQueue({ concurrency: 1 });
  /** Keys of files whose upload has not begun. */
  private readonly waiting = new Set<string>();
  private readonly failed = new Map<string, { readonly file: FolderFile; readonly error: unknown }>();
  private readonly uploaded = new Map<string, { readonly symbol: string; readonly content: FileIn }>();
  private readonly symbols: readonly string[];
  /** The key of the file that is being uploaded. */
  private uploading: string | null = null;
  private isFlushing = false;

  /** @param initial the files with which the job began, which are stored already */
  constructor(
    initial: Folders,
    private readonly options: UploadOptions,
  ) {
    this.symbols = Object.keys(initial);
    for (const [symbol, files] of Object.entries(initial))
      for (const content of files) this.uploaded.set(keyOf({ symbol, inside: content.path }), { symbol, content });
  }

  /** The files in the job's folders that are uploaded. */
  get folders(): Folders {
    const folders: Record<string, FileIn[]> = Object.fromEntries(this.symbols.map((symbol) => [symbol, []]));
    for (const { symbol, content } of this.uploaded.values()) (folders[symbol] ??= []).push(content);
    return folders;
  }

  /** A file was written. */
  add(file: FolderFile): void {
    const key = keyOf(file);
    if (this.waiting.has(key)) return;
    this.waiting.add(key);
    void this.queue.add(() => this.upload(key, file));
  }

  /** A file exists; it is uploaded unless it already was, or is being uploaded. */
  addMissing(file: FolderFile): void {
    const key = keyOf(file);
    if (!this.uploaded.has(key) && this.uploading !== key) this.add(file);
  }

  /** Uploads the rest. @throws errors of `put` */
  async flush(): Promise<void> {
    this.isFlushing = true;
    await this.queue.onIdle();
    for (const { file } of this.failed.values()) this.add(file);
    await this.queue.onIdle();
    for (const { error } of this.failed.values()) throw error;
    for (const [key, { symbol, content }] of this.uploaded)
      if (!existsSync(this.options.locate(symbol, content.path))) this.uploaded.delete(key);
  }

  private async upload(key: string, file: FolderFile): Promise<void> {
    this.waiting.delete(key);
    this.failed.delete(key);
    this.uploading = key;
    try {
      const artifact = await this.options.put(file.file);
      this.uploaded.set(key, { symbol: file.symbol, content: { path: file.inside, ...artifact } });
      // The ending has the last files.
      if (!this.isFlushing) this.options.onFiles(this.folders);
    } catch (error) {
      // The job removes checkpoints that it no longer needs.
      if (existsSync(file.file)) this.failed.set(key, { file, error });
      else this.uploaded.delete(key);
    } finally {
      this.uploading = null;
    }
  }
}
