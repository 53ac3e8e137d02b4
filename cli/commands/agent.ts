import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { deviceOption, parseDevice } from '../arguments/device.js';
import { command, listOption } from '../command.js';
import { untilStopped } from '../signals.js';

/** `127.0.0.1:7700`, `[::1]:7700`. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const host = match?.['v6'] ?? match?.['name'];
  const port = Number(match?.['port']);
  if (host === undefined || port > 65_535)
    throw invalidInput(`--listen ${text}: expected an address and a port`, {
      hint: 'For example 127.0.0.1:7700 (this machine only), 0.0.0.0:7700 (all machines, with a token), [::1]:7700.',
    });
  return { host, port };
}

export const agent = command({
  usage: 'agent',
  summary: 'Let other machines measure latency on this one, over HTTP',
  examples: [
    ['agent', 'for programs on this machine, until Ctrl-C'],
    ['agent --listen 0.0.0.0:7700 --token-file token', 'for other machines, with a token'],
    ['agent --device local:threads=4', 'with four threads'],
  ],
  options: (yargs) =>
    yargs
      .option('listen', { type: 'string', default: '127.0.0.1:7700', describe: 'Address and port' })
      .option('token-file', {
        type: 'string',
        describe: 'File with the token that clients must send (openssl rand -hex 32 makes one)',
      })
      .option('name', {
        ...listOption,
        describe: "Further host name of the agent, such as a proxy's; may be repeated",
      })
      .option('device', deviceOption)
      .option('state', {
        type: 'string',
        describe: 'Folder for results, which survive a restart; by default one per address in the cache',
      })
      .option('max-model-mb', { type: 'number', default: 256, describe: 'Maximum size of a model, in MiB' }),
  run: async ({ listen, tokenFile, name: names, device, state, maxModelMb }, { err }) => {
    if (!(maxModelMb > 0 && maxModelMb <= 2048))
      throw invalidInput(`--max-model-mb ${maxModelMb}: expected a number above 0 and at most 2048`);
    const { host, port } = addressOf(listen);
    const config = parseDevice(device);
    const { readToken, startAgent } = await import('../../latency-models/index.js');
    const started = await startAgent({
      host,
      port,
      ...(tokenFile === undefined ? {} : { token: readToken(tokenFile) }),
      device: config,
      names,
      directory: state ?? join(cacheDirectory(), 'agent', listen.replaceAll(/[^\w.-]+/g, '-')),
      maxModelBytes: maxModelMb * 2 ** 20,
    });
    err(`Measuring on ${started.device}, listening on ${started.address}; Ctrl-C ends it\n`);
    err(
      `latency: {device: {type: agent, url: "${started.address}"${tokenFile === undefined ? '' : ', token_file: ...'}}}\n`,
    );
    if (started.tokenFile !== undefined)
      err(`Your programs on this machine need no token_file; for others it is ${started.tokenFile}\n`);
    await untilStopped();
    err('Stopping\n');
    await started.close();
  },
});
