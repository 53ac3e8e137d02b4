import { existsSync } from 'node:fs';
import { contentHash } from '../../../base/hash.js';
import { patienceWith, type JobOrder } from '../../runner/jobs/job-runner.js';
import type { Artifacts } from '../artifacts/artifacts.js';
import type { Bundle, FileIn } from '../artifacts/artifact.js';
import { bundleOf } from '../artifacts/bundles.js';
import type { Folders, Order } from '../wire.js';
import type { Draft } from './draft.js';
import type { Journal } from './journal.js';
import { fileIn } from './placing.js';

/** A job with the content of what it reads. */
export interface Prepared {
  readonly draft: Draft;
  readonly inputs: Record<string, Bundle>;
  /** Its name on the queue server: the same for the same job of the same run, also after a kill. */
  readonly id: string;
  /** Names what it does, whichever run wants it, in the journal of what jobs told of. */
  readonly content: string;
}

/** Makes orders of jobs: puts what workers need where they find it. */
export class Orders {
  /** What is being put just now, by path: many jobs read the same data. */
  private readonly putting = new Map<string, Promise<Bundle>>();

  constructor(
    private readonly run: string,
    private readonly artifacts: Artifacts,
    private readonly journal: Journal,
  ) {}

  /**
   * Puts all that a job reads.
   * @param group of the machines whose results count; null: any
   * @throws NasError when a file cannot be read or put
   */
  async prepare({ id }: JobOrder, draft: Draft, group: string | null): Promise<Prepared> {
    const put = async ([symbol, path]: readonly [string, string]) => [symbol, await this.put(path)] as const;
    const inputs = Object.fromEntries(await Promise.all([...draft.inputs].map(put)));
    return {
      draft,
      inputs,
      id: contentHash(this.run, id, draft.job, inputs),
      content: contentHash(group, draft.job, inputs),
    };
  }

  /** What is queued of a job for an attempt, which goes on from the files that are here. */
  async order({ draft, inputs, content }: Prepared, { id, job, deadline }: JobOrder, attempt: number): Promise<Order> {
    const folders: Folders = Object.fromEntries(
      await Promise.all(
        [...draft.folders].map(async ([symbol, { path, resumed }]) => {
          const files =
            resumed === null ? this.journal.read(content, path, this.artifacts) : this.present(path, resumed);
          return [symbol, await files] as const;
        }),
      ),
    );
    const patience = deadline ?? patienceWith(job);
    return { run: this.run, id, attempt, deadline: patience, inputs, folders, job: draft.job };
  }

  private async present(folder: string, names: readonly string[]): Promise<FileIn[]> {
    const files: FileIn[] = [];
    for (const path of names) {
      const file = fileIn(folder, path);
      if (existsSync(file)) files.push({ path, ...(await this.artifacts.put(file)) });
    }
    return files;
  }

  private put(path: string): Promise<Bundle> {
    const putting = this.putting.get(path) ?? bundleOf(path, this.artifacts).finally(() => this.putting.delete(path));
    this.putting.set(path, putting);
    return putting;
  }
}
