import type { ArtifactsAddress } from '../registry.js';
import { Unreachable, type Artifact, type Artifacts, type TransferOptions } from './artifact.js';
import { SharedFolder } from './folder.js';
import { HttpArtifacts, retryUnreachable, type HttpOptions } from './http.js';

/** A run's contents for a worker, wherever its coordinator keeps them at the moment. */
export class RunArtifacts implements Artifacts {
  private readonly http: HttpArtifacts;
  private folder: { readonly path: string; readonly artifacts: SharedFolder } | null = null;
  private current: Artifacts | null = null;

  /** @param address from the run's record in the registry; null: no coordinator is at work */
  constructor(
    private readonly address: () => Promise<ArtifactsAddress | null>,
    private readonly run: string,
    private readonly options: HttpOptions = {},
  ) {
    this.http = new HttpArtifacts(address, options);
  }

  put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    return this.at((artifacts) => artifacts.put(path, options), options.signal);
  }

  get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    return this.at((artifacts) => artifacts.get(artifact, path, options), options.signal);
  }

  /** After a failure, a resumed coordinator may use another kind of store. */
  private async at<T>(task: (artifacts: Artifacts) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await task((this.current ??= await this.find(signal)));
    } catch (error) {
      this.current = null;
      throw error;
    }
  }

  private async find(signal: AbortSignal | undefined): Promise<Artifacts> {
    const { patienceMs = 120_000 } = this.options;
    const address = await retryUnreachable(
      async () => {
        const found = await this.address();
        if (found === null) throw new Unreachable('no nas run is at work on it');
        return found;
      },
      {
        patienceMs,
        signal,
        what: `looking for the files of the run ${this.run}`,
        hint: 'nas run or nas resume makes them available.',
      },
    );
    if (address.type === 'http') return this.http;
    if (this.folder?.path !== address.path)
      this.folder = { path: address.path, artifacts: new SharedFolder(address.path, this.run, { make: false }) };
    return this.folder.artifacts;
  }
}
