import { messageOf, NasError } from '../../../base/errors.js';
import { StorageFailure } from '../../runner/jobs/job-runner.js';
import type { Artifact } from './artifact.js';

/** Nobody has a content (any more): the file was replaced by a newer one, or what was put was never finished. */
export class ArtifactGone extends NasError {
  constructor(
    readonly artifact: Artifact,
    where: string,
  ) {
    super('failure', `${where} has no content ${artifact.sha256.slice(0, 12)} of ${artifact.bytes} bytes (any more)`);
  }
}

/** What came is not what its name says, also when it was fetched anew. */
export class WrongContent extends NasError {
  constructor(path: string, { sha256, bytes }: Artifact) {
    super('failure', `${path}: what arrived is not the content ${sha256.slice(0, 12)} of ${bytes} bytes`, {
      hint: 'Something between the machines changes what it passes on, or a disk is damaged.',
    });
  }
}

/** A file of this machine cannot be written: its disk is full, or may not be written. */
export class StorageFailed extends StorageFailure {
  constructor(path: string, cause: unknown) {
    super(`${path}: cannot be written: ${messageOf(cause)}`, {
      hint: 'Free some space there, or make the folder writable.',
      cause,
    });
  }
}

/** The store cannot be reached at the moment; an attempt later may do well. */
export class Unreachable extends Error {}
