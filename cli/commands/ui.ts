import { hostname } from 'node:os';
import { isLoopback, checkPort, makeToken, readToken } from '../../base/server.js';
import { command, listOption } from '../command.js';
import { startPageProcess } from '../page-process.js';
import { untilStopped } from '../signals.js';

/** Wildcard addresses; browsers use the host name instead. */
const wildcards = ['0.0.0.0', '::'];

function addressFor(listening: string, host: string, token: string | undefined): string {
  const address = new URL(listening);
  if (wildcards.includes(host)) address.hostname = hostname();
  if (token !== undefined) address.searchParams.set('token', token);
  return address.href;
}

export const ui = command({
  usage: 'ui [folder]',
  summary: 'Show runs in a browser: live, compared, and trial by trial',
  examples: [
    ['ui', 'all runs in runs/, for browsers on this machine, until Ctrl-C'],
    ['ui runs/quickstart', 'one run'],
    ['ui --no-changes', 'without stopping runs or enqueuing networks from the page'],
    ['ui --host 0.0.0.0', 'also for other machines, which need the printed token'],
  ],
  options: (yargs) =>
    yargs
      .positional('folder', {
        type: 'string',
        default: 'runs',
        describe: "A folder with runs, or a run's folder; it may not exist yet",
      })
      .option('host', { type: 'string', default: '127.0.0.1', describe: 'Address to listen on' })
      .option('port', { type: 'number', describe: 'Port to listen on; by default 6060, or the next free one' })
      .option('token-file', {
        type: 'string',
        describe: 'File with the token that browsers must send; by default one is made when other machines can connect',
      })
      .option('changes', {
        type: 'boolean',
        describe:
          'Lets browsers with the token stop runs and enqueue networks; by default only on this machine, without --name and --token-file',
      })
      .option('images', {
        type: 'boolean',
        describe:
          'Shows browsers with the token images of the data set; by default only on this machine, as with --changes',
      })
      .option('name', {
        ...listOption,
        describe: "Further host name of the page, such as a proxy's; may be repeated",
      }),
  run: async ({ folder, host, port, tokenFile, name: names, changes: asked, images: shown }, { out, err }) => {
    if (port !== undefined) checkPort('--port', port);
    const isOwn = isLoopback(host);
    // A name or a token of the user's is for visitors, who come through a proxy.
    const isPrivate = isOwn && names.length === 0 && tokenFile === undefined;
    const [changes, images] = [asked ?? isPrivate, shown ?? isPrivate];
    const made = isOwn && !changes && !images ? undefined : makeToken();
    const secret = tokenFile === undefined ? made : readToken(tokenFile);
    const token = isOwn && tokenFile === undefined ? undefined : secret;
    const page = await startPageProcess({
      page: {
        folder,
        host,
        ...(port === undefined ? {} : { port }),
        ...(token === undefined ? {} : { token }),
        ...(changes && secret !== undefined ? { changeToken: secret } : {}),
        ...(images && secret !== undefined ? { imageToken: secret } : {}),
        names,
      },
      givesWay: false,
    });
    out(`${addressFor(page.address, host, tokenFile === undefined ? made : undefined)}\n`);
    err(`Showing ${folder}; Ctrl-C ends it\n`);
    if (tokenFile !== undefined) err(`The first visit needs ?token= with the content of ${tokenFile}\n`);
    await Promise.race([untilStopped(), page.lost]);
    await page.close();
  },
});
