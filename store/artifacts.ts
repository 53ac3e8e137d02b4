import type { Connection } from './connection.js';
import type { Training } from './curves.js';
import type { Events } from './events.js';

/** A file that a run wrote. */
export interface NewArtifact {
  /** What it is: `weights`, `onnx`, ... */
  readonly kind: string;
  /** Relative to the workdir, with forward slashes. */
  readonly path: string;
  /** Of its content, in hex. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface ArtifactRecord extends NewArtifact {
  readonly stage: Training['stage'];
  /** Null for files that belong to no trial: the teacher's, the supernet's, those of shrunk networks. */
  readonly trial: number | null;
  /** Number of the shrunk network that it belongs to. */
  readonly shrunk: number | null;
  /** In ms since 1970. */
  readonly writtenAt: number;
}

/** Files that belong to trainings. A file that is written again replaces its earlier record. */
export class Artifacts {
  private readonly insert;
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO artifacts (trial, shrunk, stage, kind, path, sha256, bytes, written_at)
       VALUES ($trial, $shrunk, $stage, $kind, $path, $sha256, $bytes, $at)`,
    );
    this.select = connection.prepare<ArtifactRecord>(
      `SELECT trial, shrunk, stage, kind, path, sha256, bytes, written_at AS writtenAt FROM current_artifacts ORDER BY seq`,
    );
  }

  add({ stage, trial, shrunk }: Training, { kind, path, sha256, bytes }: NewArtifact): void {
    const subject = { trial: trial ?? null, shrunk: shrunk ?? null, stage };
    this.connection.write(() => {
      this.insert.run({ ...subject, kind, path, sha256, bytes, at: this.connection.clock() });
      this.events.add({ kind: 'artifact', detail: { stage, kind, path }, ...(trial === undefined ? {} : { trial }) });
    });
  }

  /** The files as they stand, in the order in which they were written. */
  all(): ArtifactRecord[] {
    return this.connection.read(() => this.select.all({}));
  }
}
