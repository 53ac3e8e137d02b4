import type { Artifacts } from '../artifacts/artifacts.js';
import type { Folders } from '../wire.js';
import type { Journal } from './journal.js';
import type { Prepared } from './orders.js';
import { ownFiles, placeFiles, type OwnFiles } from './placing.js';

const none: OwnFiles = new Map();

/** The folders in which a job works, as they are here: they follow what its worker tells of, one step after the other. */
export class FoldersHere {
  /** The job's own files in each folder, by symbol. */
  private readonly own = new Map<string, OwnFiles>();
  private wanted: Folders | undefined;
  private following: Promise<void> | undefined;

  constructor(
    private readonly job: Prepared,
    private readonly artifacts: Artifacts,
    private readonly journal: Journal,
  ) {}

  /** What the job goes on from is its own. */
  begin(folders: Folders): void {
    for (const [symbol, files] of Object.entries(folders)) this.own.set(symbol, ownFiles(files));
  }

  /** Follows what a worker told, unless it tells something newer before the turn comes. */
  follow(folders: Folders): Promise<void> {
    this.wanted = folders;
    this.following ??= this.catchUp().finally(() => (this.following = undefined));
    return this.following;
  }

  /** Waits for what is under way, and follows no further. */
  async halt(): Promise<void> {
    this.wanted = undefined;
    await this.following?.catch(() => undefined);
  }

  /** Puts what the job left in its place, after all that is under way. */
  async end(folders: Folders): Promise<void> {
    await this.halt();
    await this.place(folders);
  }

  private async catchUp(): Promise<void> {
    while (this.wanted !== undefined) {
      const folders = this.wanted;
      this.wanted = undefined;
      await this.place(folders);
    }
  }

  private async place(folders: Folders): Promise<void> {
    for (const [symbol, files] of Object.entries(folders)) {
      const folder = this.job.draft.folders.get(symbol);
      if (folder === undefined) continue;
      await placeFiles(folder.path, files, this.artifacts, this.own.get(symbol) ?? none);
      this.own.set(symbol, ownFiles(files));
      if (folder.resumed === null) this.journal.write(this.job.content, files);
    }
  }
}
