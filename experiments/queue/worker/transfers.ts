import { messageOf, NasError } from '../../../base/errors.js';
import { StorageFailure } from '../../runner/jobs/job-runner.js';
import { toPlainError } from '../../runner/jobs/messages.js';
import type { Artifact, Bundle, FileIn } from '../artifacts/artifact.js';
import type { Artifacts } from '../artifacts/artifacts.js';
import { ArtifactGone, StorageFailed } from '../artifacts/failures.js';
import type { FileHashes } from '../artifacts/hashes.js';
import type { Supply } from './job-place.js';
import type { Bundles } from './kept-bundles.js';

/** The run's files cannot be reached, or not be written there: a later attempt may do well. */
export class FilesUnreachable extends NasError {
  constructor(cause: unknown) {
    super('failure', `the files of the run cannot be reached: ${messageOf(cause)}`, { cause });
  }
}

/** What a transfer failed with, as it concerns the job. */
function explained(error: unknown, signal: AbortSignal, ownDisk: boolean): Error {
  if (signal.aborted) return new NasError('interrupted', 'the job was cancelled');
  if (error instanceof ArtifactGone) return error;
  const { storage, message, hint } = toPlainError(error);
  if (ownDisk && (storage === true || error instanceof StorageFailed))
    return new StorageFailure(message, hint === undefined ? {} : { hint });
  return new FilesUnreachable(error);
}

async function explaining<T>(transfer: Promise<T>, signal: AbortSignal, ownDisk: boolean): Promise<T> {
  try {
    return await transfer;
  } catch (error) {
    throw explained(error, signal, ownDisk);
  }
}

/** The files of one job, from the run and to it. Errors: FilesUnreachable, ArtifactGone, StorageFailure, `interrupted`. */
export class Transfers implements Supply {
  constructor(
    private readonly artifacts: Artifacts,
    private readonly bundles: Bundles,
    private readonly hashes: Pick<FileHashes, 'has'>,
    private readonly signal: AbortSignal,
  ) {}

  bundle(bundle: Bundle): Promise<{ readonly path: string; release(): void }> {
    return explaining(this.bundles.use(bundle, this.artifacts, { signal: this.signal }), this.signal, true);
  }

  async fetch(file: FileIn, path: string): Promise<boolean> {
    try {
      await explaining(this.artifacts.get(file, path, { signal: this.signal }), this.signal, true);
      return true;
    } catch (error) {
      if (error instanceof ArtifactGone) return false;
      throw error;
    }
  }

  holds(path: string, file: FileIn): Promise<boolean> {
    return this.hashes.has(path, file);
  }

  put(file: string, signal: AbortSignal): Promise<Artifact> {
    return explaining(this.artifacts.put(file, { signal }), signal, false);
  }
}
