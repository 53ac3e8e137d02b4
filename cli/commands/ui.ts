import { hostname } from 'node:os';
import { isLoopback } from '../../base/server.js';
import { checkPort } from '../../base/server.js';
import { makeToken, readToken } from '../../base/server.js';
import { command, untilStopped } from '../command.js';
import { startPageProcess } from '../page-process.js';

/** Addresses that stand for all of a machine's; people use its name. */
const everywhere = ['0.0.0.0', '::'];

/** What a person opens: with the token, which the page keeps for him. */
function addressFor(listening: string, host: string, token: string | undefined): string {
  const address = new URL(listening);
  if (everywhere.includes(host)) address.hostname = hostname();
  if (token !== undefined) address.searchParams.set('token', token);
  return address.href;
}

export const ui = command({
  usage: 'ui [folder]',
  summary: 'Show runs in a browser: live while they go, beside each other, and trial by trial',
  examples: [
    ['ui', 'all runs in runs/, for browsers on this machine, until Ctrl-C'],
    ['ui runs/quickstart', 'one run'],
    ['ui --host 0.0.0.0', 'for other machines, too, which need the token that is printed'],
  ],
  options: (yargs) =>
    yargs
      .positional('folder', {
        type: 'string',
        default: 'runs',
        describe: "A folder with runs in it, or a run's folder; it need not exist yet",
      })
      .option('host', { type: 'string', default: '127.0.0.1', describe: 'Address to listen on' })
      .option('port', { type: 'number', describe: 'Port to listen on; by default 6060, or the next one that is free' })
      .option('token-file', {
        type: 'string',
        describe: 'File with the token that everybody must know; by default one is made where others can connect',
      })
      .option('name', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [] as string[],
        describe: "Name besides this machine's under which browsers reach the page (a proxy's); may be repeated",
      }),
  run: async ({ folder, host, port, tokenFile, name: names }, { out, err }) => {
    if (port !== undefined) checkPort('--port', port);
    const made = isLoopback(host) ? undefined : makeToken();
    const token = tokenFile === undefined ? made : readToken(tokenFile);
    const page = await startPageProcess({
      page: {
        folder,
        host,
        ...(port === undefined ? {} : { port }),
        ...(token === undefined ? {} : { token }),
        names,
      },
      givesWay: false,
    });
    out(`${addressFor(page.address, host, tokenFile === undefined ? made : undefined)}\n`);
    err(`Showing ${folder}; Ctrl-C ends it\n`);
    if (tokenFile !== undefined) err(`Who opens it for the first time adds ?token= and what is in ${tokenFile}\n`);
    await Promise.race([untilStopped(), page.lost]);
    await page.close();
  },
});
