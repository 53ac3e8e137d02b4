import type { Artifact } from './artifact.js';

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far, and all of them. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Where files are found by their content, and put for others: in a folder that machines share, at the coordinator's HTTP
 * server, or, for the coordinator itself, behind that server.
 */
export interface Artifacts {
  /**
   * Makes the content of a file available, where it is not yet; an upload that broke off goes on. The file may be replaced
   * meanwhile by another one (not changed in its place): what is sent is what was there at first.
   * @throws NasError `failure` when the store cannot be reached for long, `invalid-input` when it cannot be written.
   */
  put(path: string, options?: TransferOptions): Promise<Artifact>;
  /**
   * Writes a content to a file, whole or not at all, and verified; its folder is made. A download that broke off goes on.
   * @throws ArtifactGone when nobody has it (any more); NasError as `put`.
   */
  get(artifact: Artifact, path: string, options?: TransferOptions): Promise<void>;
  /** Ends connections and servers. */
  close(): Promise<void>;
}
