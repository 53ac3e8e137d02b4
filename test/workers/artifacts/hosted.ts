import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { HostedArtifacts, type HostedOptions } from '../../../workers/artifacts/hosted.js';
import { RunArtifacts, type RunArtifactsOptions } from '../../../workers/artifacts/run-artifacts.js';
import { serveArtifacts } from '../../../workers/artifacts/server.js';
import { temporaryFolder } from '../../support/temporary.js';

export const token = 'a token for tests';

/** A coordinator's files behind a server, until the test ends. @returns also the folder of uploads */
export async function serve(options: Partial<HostedOptions> = {}) {
  const uploads = options.uploads ?? join(temporaryFolder(), 'uploads');
  const hosted = new HostedArtifacts({ reserveBytes: 0, ...options, uploads });
  const server = await serveArtifacts(hosted, { host: '127.0.0.1', port: 0, token });
  onTestFinished(() => server.close());
  return { hosted, server, uploads };
}

/** A worker's side of a server. */
export function reach(url: () => string | null, options: RunArtifactsOptions = {}): RunArtifacts {
  return new RunArtifacts(
    () => {
      const found = url();
      return Promise.resolve(found === null ? null : { url: found, token });
    },
    { patienceMs: 5000, ...options },
  );
}
