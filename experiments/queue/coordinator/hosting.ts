import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { checkWritable } from '../../../base/files.js';
import { withoutBrackets } from '../../../base/server.js';
import { makeToken } from '../../../base/server.js';
import type { Artifacts } from '../artifacts/artifact.js';
import { SharedFolder } from '../artifacts/run-artifacts.js';
import { HostedArtifacts } from '../artifacts/hosted.js';
import { serveArtifacts } from '../artifacts/server.js';
import type { QueueConnection } from '../connection.js';
import type { ArtifactsAddress } from '../registry.js';
import type { ArtifactsConfig } from '../schema.js';

/** The store of a run's files, for this process, and its address for workers. */
export interface Hosting {
  readonly artifacts: Artifacts;
  readonly address: ArtifactsAddress;
  /** @param complete whether the run is complete, and the files are not needed any more */
  close(complete: boolean): Promise<void>;
}

export interface HostingOptions {
  readonly connection: QueueConnection;
  readonly workdir: string;
  /** The run's name in the registry. */
  readonly run: string;
}

interface Listening {
  readonly host: string;
  readonly port: number;
}

/** Uploads arrive in the workdir: on the disk of their final place. */
const uploadsFolder = (workdir: string): string => join(workdir, 'artifacts', 'uploads');

/** Where to listen: as configured, or at the address from which this machine reaches the queue. */
function listening(listen: string | undefined, connection: QueueConnection): Listening {
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

const urlOf = (host: string, port: string): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Makes the files of a run reachable for workers.
 * @throws NasError `invalid-input` when the configured address or folder cannot be used
 */
export async function hostArtifacts(config: ArtifactsConfig, options: HostingOptions): Promise<Hosting> {
  const { connection, workdir, run } = options;
  if (config.type === 'folder') {
    const artifacts = new SharedFolder(config.path, run);
    return {
      artifacts,
      address: { type: 'folder', path: config.path },
      close: (complete) => {
        if (complete) artifacts.removeRun();
        return Promise.resolve();
      },
    };
  }
  const uploads = uploadsFolder(workdir);
  const artifacts = new HostedArtifacts({ uploads });
  const token = makeToken();
  const { host, port } = listening(config.listen, connection);
  const names = config.url === undefined ? [] : [withoutBrackets(new URL(config.url).hostname)];
  const server = await serveArtifacts(artifacts, { host, port, token, names });
  const own = isWildcard(host) ? urlOf(ownAddress(connection), new URL(server.url).port) : server.url;
  return {
    artifacts,
    address: { type: 'http', url: config.url ?? own, token },
    close: async (complete) => {
      await server.close();
      if (complete) rmSync(uploads, { recursive: true, force: true });
    },
  };
}

/**
 * Checks that `hostArtifacts` will succeed.
 * @throws NasError `invalid-input` when it will not
 */
export async function requireHosting(config: ArtifactsConfig, connection: QueueConnection): Promise<void> {
  if (config.type === 'folder') {
    checkWritable(join(config.path, 'writable'));
    return;
  }
  const { host, port } = listening(config.listen, connection);
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, resolve);
    });
  } catch (cause) {
    throw invalidInput(`workers.artifacts.listen: cannot listen on ${host}:${port}: ${messageOf(cause)}`, {
      hint: 'Give an address of this machine and a free port, such as 0.0.0.0:7710.',
      cause,
    });
  }
  await new Promise((resolve) => server.close(resolve));
}
