import type { ArtifactsAddress } from '../registry.js';
import type { Artifact } from './artifact.js';
import type { Artifacts, TransferOptions } from './artifacts.js';
import { Unreachable } from './failures.js';
import { SharedFolder } from './folder.js';
import { HttpArtifacts, type HttpOptions } from './http.js';
import { keepTrying } from './keep-trying.js';

/** Files of a run for a worker, wherever its coordinator has them now. */
class RunArtifacts implements Artifacts {
  private readonly http: HttpArtifacts;
  private current: Artifacts | null = null;
  private folder: { readonly path: string; readonly artifacts: SharedFolder } | null = null;

  constructor(
    private readonly address: () => Promise<ArtifactsAddress | null>,
    private readonly run: string,
    private readonly options: HttpOptions,
  ) {
    this.http = new HttpArtifacts(async () => {
      const found = await address();
      return found?.type === 'http' ? found : null;
    }, options);
  }

  put(path: string, options: TransferOptions = {}): Promise<Artifact> {
    return this.at((artifacts) => artifacts.put(path, options), options.signal);
  }

  get(artifact: Artifact, path: string, options: TransferOptions = {}): Promise<void> {
    return this.at((artifacts) => artifacts.get(artifact, path, options), options.signal);
  }

  async close(): Promise<void> {
    await this.http.close();
    await this.folder?.artifacts.close();
  }

  /** After a failure, the next coordinator may have them in another kind of place. */
  private async at<T>(task: (artifacts: Artifacts) => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await task((this.current ??= await this.find(signal)));
    } catch (error) {
      this.current = null;
      throw error;
    }
  }

  /** @throws NasError `failure` when there is no coordinator for long. */
  async find(signal?: AbortSignal): Promise<Artifacts> {
    const { patienceMs = 120_000 } = this.options;
    const what = `looking for the files of the run ${this.run}`;
    const hint = 'nas run or nas resume makes them available.';
    const found = await keepTrying(
      async () => {
        const address = await this.address();
        if (address === null) throw new Unreachable('no nas run is at work on it');
        return address;
      },
      { patienceMs, signal, what, hint },
    );
    if (found.type === 'http') return this.http;
    if (this.folder?.path !== found.path)
      this.folder = { path: found.path, artifacts: new SharedFolder(found.path, this.run, { make: false }) };
    return this.folder.artifacts;
  }
}

/**
 * The files of a run, for a worker.
 * @param address what the run's record in the registry says; null: no coordinator is at work
 * @throws NasError `failure` when there is none for `patienceMs`
 */
export async function artifactsAt(
  address: () => Promise<ArtifactsAddress | null>,
  run: string,
  options: HttpOptions & { readonly signal?: AbortSignal } = {},
): Promise<Artifacts> {
  const artifacts = new RunArtifacts(address, run, options);
  try {
    await artifacts.find(options.signal);
    return artifacts;
  } catch (error) {
    await artifacts.close();
    throw error;
  }
}
