import { execFile, spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { makeToken } from '../../base/server.js';
import { bundleOf } from '../../workers/artifacts/files.js';
import { HostedArtifacts } from '../../workers/artifacts/hosted.js';
import { artifactPath, serveArtifacts } from '../../workers/artifacts/server.js';
import { startScript } from './child.js';

const run = promisify(execFile);

/** Seconds per round of each source, and CPU seconds of the worker and of its server. */
export type Transfers = Readonly<
  Record<'a new worker' | 'curl, same server' | 'curl, nginx' | 'CPU: worker' | 'CPU: server', number[]>
>;

const answerSchema = z.object({ seconds: z.number(), processorSeconds: z.number() });

/** Writes a folder like a converted data set, with most bytes in one file. */
function writeDataset(folder: string, megabytes: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'images.u8'), '');
  const piece = Buffer.alloc(1_000_000);
  for (let i = 0; i < megabytes; i++) appendFileSync(join(folder, 'images.u8'), randomFillSync(piece));
  writeFileSync(join(folder, 'meta.json'), '{}');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

/** Serves a folder with nginx's defaults. @returns null if nginx is not installed. */
async function startNginx(root: string, folder: string): Promise<{ url: string; stop: () => Promise<void> } | null> {
  const port = await freePort();
  const place = join(folder, 'nginx');
  mkdirSync(place);
  const configuration = `daemon off; master_process off; pid ${place}/pid; error_log ${place}/error.log;
    events {}
    http { access_log off; sendfile on; client_body_temp_path ${place}; proxy_temp_path ${place};
      fastcgi_temp_path ${place}; uwsgi_temp_path ${place}; scgi_temp_path ${place};
      server { listen 127.0.0.1:${port}; root ${root}; } }`;
  writeFileSync(join(place, 'nginx.conf'), configuration);
  const child = spawn('nginx', ['-c', join(place, 'nginx.conf'), '-e', join(place, 'error.log')], { stdio: 'ignore' });
  const failed = await Promise.race([once(child, 'error').then(() => true), setTimeout(500, false)]);
  if (failed) return null;
  const over = once(child, 'exit');
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await over;
    },
  };
}

/** Downloads a file with curl. @returns curl's own time in seconds. */
async function curl(url: string, file: string, headers: readonly string[]): Promise<number> {
  const { stdout } = await run('curl', ['-sSf', '-o', file, '-w', '%{time_total}', ...headers, url]);
  return Number(stdout);
}

/** Times how a new worker fetches a data set, alternating with curl downloads of the same bytes onto the same disk. */
export async function timeTransfers(folder: string, megabytes: number, rounds: number): Promise<Transfers> {
  const dataset = join(folder, 'dataset');
  writeDataset(dataset, megabytes);
  const hosted = new HostedArtifacts({ uploads: join(folder, 'uploads') });
  const token = makeToken();
  const server = await serveArtifacts(hosted, { host: '127.0.0.1', port: 0, token });
  const nginx = await startNginx(dataset, folder);
  const seconds: Transfers = {
    'a new worker': [],
    'curl, same server': [],
    'curl, nginx': [],
    'CPU: worker': [],
    'CPU: server': [],
  };
  try {
    const bundle = await bundleOf(dataset, hosted);
    const images = bundle.files.find(({ path }) => path === 'images.u8');
    const own = `${server.url}${artifactPath(images?.sha256 ?? '')}`;
    for (let round = 0; round < rounds; round++) {
      const directory = join(folder, `cache-${round}`);
      const before = process.cpuUsage();
      const child = startScript('./fetch.ts', { url: server.url, token, bundle, directory });
      const fetched = answerSchema.parse(await child.output);
      const { user, system } = process.cpuUsage(before);
      seconds['a new worker'].push(fetched.seconds);
      seconds['CPU: worker'].push(fetched.processorSeconds);
      seconds['CPU: server'].push((user + system) / 1e6);
      await child.end();
      rmSync(directory, { recursive: true });
      const file = join(folder, 'plain');
      seconds['curl, same server'].push(await curl(own, file, ['-H', `Authorization: Bearer ${token}`]));
      rmSync(file);
      if (nginx !== null) {
        seconds['curl, nginx'].push(await curl(`${nginx.url}/images.u8`, file, []));
        rmSync(file);
      }
    }
  } finally {
    await nginx?.stop();
    await server.close();
  }
  return seconds;
}
