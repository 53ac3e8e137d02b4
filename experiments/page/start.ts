import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { isLoopback, listenOnFirst, namesOf, portsFrom } from '../../base/server.js';
import type { Clock } from '../../store/index.js';
import { createApp } from './app.js';

export interface PageOptions {
  /** With the workdirs of runs, or the workdir of one; it need not exist yet. */
  readonly folder: string;
  readonly host: string;
  /** 0: any free one. Default: 6060, or the next one that is free. */
  readonly port?: number;
  /** What everybody must know; required where others than this machine can connect. */
  readonly token?: string;
  /** Names besides this machine's own under which the page is reached, a proxy's for example. */
  readonly names?: readonly string[];
  /** What a browser loads: `dist/ui/app`, absolute. */
  readonly assets: string;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
  /** Told of what nobody foresaw. */
  readonly report: (error: unknown) => void;
}

/** A server of the page that listens. */
export interface PageServer {
  /** `http://127.0.0.1:6060`. */
  readonly address: string;
  /** Ends all connections. */
  readonly close: () => Promise<void>;
}

const firstPort = 6060;

/**
 * Serves the page of all runs in a folder until it is closed.
 * @throws NasError `invalid-input` when the page is not built, the folder is a file, others could connect without a token, or
 *   the address cannot be listened on.
 */
export async function startPage(options: PageOptions): Promise<PageServer> {
  const { folder, host, port, token, names, assets, clock = Date.now, report } = options;
  if (!existsSync(join(assets, 'index.html')))
    throw invalidInput(`${assets}: the page is not built`, { hint: 'npm run build builds it.' });
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false)
    throw invalidInput(`${folder} is a file`, { hint: 'Give a folder with runs, or the folder of a run.' });
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`a page on ${host} can be seen by others: it needs a token`);
  const access = { names: namesOf(host, names), token: token ?? null };
  const app = await createApp({ ...access, folder, assets, clock, report });
  try {
    const address = await listenOnFirst(host, portsFrom(firstPort, port), (one) => app.listen({ host, port: one }));
    return { address, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
