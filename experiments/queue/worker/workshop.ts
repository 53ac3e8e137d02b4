import type { JobRunner } from '../../runner/jobs/job-runner.js';
import type { FileHashes } from '../artifacts/hashes.js';
import type { Identity } from '../wire.js';
import type { WorkerEvent } from './events.js';
import type { JobFolders } from './job-folders.js';
import type { Bundles } from './kept-bundles.js';
import type { Room } from './room.js';
import type { RunFiles } from './run-files.js';

/** What all jobs of a worker share. */
export interface Workshop {
  readonly identity: Omit<Identity, 'slot'>;
  readonly slots: number;
  /** Whether code may be run that comes with an order. */
  readonly modules: boolean;
  readonly patienceMs: number;
  readonly pool: Pick<JobRunner, 'submit'>;
  readonly folders: JobFolders;
  /** Where teachers and what they say are kept on this machine. */
  readonly cache: string;
  readonly bundles: Bundles;
  readonly hashes: Pick<FileHashes, 'has'>;
  readonly room: Pick<Room, 'full'>;
  readonly files: Pick<RunFiles, 'open'>;
  /** Whether a run has cancelled a job, by its id in the queue; asked before it begins. */
  isCancelled(job: string): Promise<boolean>;
  /** Resolves when nobody measures on this machine. */
  undisturbed(): Promise<void>;
  /** Does something while all workers of the machine stand still. */
  alone<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T>;
  observe(event: WorkerEvent): void;
}
