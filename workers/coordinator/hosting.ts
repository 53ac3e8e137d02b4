import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeToken, withoutBrackets } from '../../base/server.js';
import { HostedArtifacts } from '../artifacts/hosted.js';
import { serveArtifacts, urlOf } from '../artifacts/server.js';
import type { QueueConnection } from '../connection.js';
import type { ArtifactsAddress } from '../registry.js';
import type { ArtifactsConfig } from '../../experiments/schema/workers.js';

/** Where to listen: as configured, or at the address from which this machine reaches the queue. */
function listening(listen: string | undefined, connection: QueueConnection): { host: string; port: number } {
  if (listen === undefined) return { host: ownAddress(connection), port: 0 };
  const colon = listen.lastIndexOf(':');
  return { host: withoutBrackets(listen.slice(0, colon)), port: Number(listen.slice(colon + 1)) };
}

/** The address of this machine in the queue server's network. */
function ownAddress({ redis }: QueueConnection): string {
  const { localAddress = '127.0.0.1' } = redis.stream as { readonly localAddress?: string };
  return localAddress.replace(/^::ffff:(?=\d+\.)/, '');
}

const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';
/** Serves a run's files at the configured address. */
async function serve(
  { listen, url }: ArtifactsConfig,
  connection: QueueConnection,
  artifacts: HostedArtifacts,
): Promise<{ readonly address: ArtifactsAddress; readonly close: () => Promise<void> }> {
  const token = makeToken();
  const { host, port } = listening(listen, connection);
  const names = url === undefined ? [] : [withoutBrackets(new URL(url).hostname)];
  const server = await serveArtifacts(artifacts, { host, port, token, names });
  const own = urlOf(isWildcard(host) ? ownAddress(connection) : host, server.port);
  return { address: { url: url ?? own, token }, close: () => server.close() };
}

/**
 * Makes the files of a run reachable for workers.
 * @returns the store of the files for this process, and its address for workers
 * @throws NasError `invalid-input` when the configured address cannot be used
 */
export async function hostArtifacts(config: ArtifactsConfig, connection: QueueConnection, workdir: string) {
  // Uploads arrive in the workdir: on the disk of their final place.
  const uploads = join(workdir, 'artifacts', 'uploads');
  const artifacts = new HostedArtifacts({ uploads });
  const { address, close } = await serve(config, connection, artifacts);
  return {
    artifacts,
    address,
    /** @param complete whether the run is complete, and the files are not needed any more */
    close: async (complete: boolean): Promise<void> => {
      await close();
      if (complete) rmSync(uploads, { recursive: true, force: true });
    },
  };
}

/**
 * Checks that `hostArtifacts` will succeed.
 * @throws NasError `invalid-input` when it will not
 */
export async function requireHosting(config: ArtifactsConfig, connection: QueueConnection): Promise<void> {
  // It is closed before anything is uploaded.
  const { close } = await serve(config, connection, new HostedArtifacts({ uploads: join(tmpdir(), 'nas-uploads') }));
  await close();
}
