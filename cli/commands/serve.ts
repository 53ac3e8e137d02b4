import { availableParallelism } from 'node:os';
import { checkPort, isLoopback, makeToken, readToken } from '../../base/server.js';
import type { RunningServer } from '../../serve/index.js';
import { wholeNumber } from '../arguments/values.js';
import { command, jsonOption, listOption, flag } from '../command.js';
import { createCounter } from '../progress/counter.js';
import { json } from '../output/terminal.js';
import { logLevels, modelsAt, parseWorkers } from '../serve/arguments.js';
import { servedNetworks } from '../serve/served-table.js';
import { reloadModels, untilEnded } from '../serve/until-ended.js';

/** Polling interval of `--watch` in ms. */
const watchEveryMs = 2000;
/** Drain time without a terminal: load balancers probe readiness every few seconds. */
const drainElsewhereMs = 5000;
/** libuv has four threads, which decode the images. */
const mostDecoders = 4;

export const serve = command({
  usage: 'serve <models>',
  summary: 'Answer requests over HTTP with the most accurate network that meets the deadline',
  examples: [
    ['serve runs/quickstart', "a run's frontier, for programs on this machine, until Ctrl-C"],
    ['serve models --watch --budget-ms 50', 'a folder of models; new files are loaded'],
    ['serve model.onnx --host 0.0.0.0 --token-file token', 'one model, also for other machines'],
  ],
  options: (yargs) =>
    yargs
      .positional('models', {
        type: 'string',
        demandOption: true,
        describe: "A run's folder, a folder of models (as nas export --pareto writes it), or an .onnx file",
      })
      .option('host', { type: 'string', default: '127.0.0.1', describe: 'Address to listen on' })
      .option('port', { type: 'number', describe: 'Port to listen on; by default 8080 or the next free port' })
      .option('workers', {
        type: 'string',
        default: 'auto',
        describe: 'Inference threads; inline: none, for networks below 0.3 ms; auto: chosen from measured times',
      })
      .option('budget-ms', {
        type: 'number',
        default: 100,
        describe: 'Time budget in ms of requests without the header x-budget-ms',
      })
      .option('max-queue', { type: 'number', default: 256, describe: 'Longest queue in images; more are refused' })
      .option('max-batch', { type: 'number', default: 32, describe: 'Largest batch, a power of two' })
      .option('decoders', {
        type: 'number',
        describe: 'Images decoded in parallel; by default the number of cores, at most 4',
      })
      .option('token-file', {
        type: 'string',
        describe: 'File with the token that clients must send; by default one is made if other machines can connect',
      })
      .option('origin', {
        ...listOption,
        describe: 'Origin of web pages that may send requests (https://www.example.com); may be repeated',
      })
      .option('name', {
        ...listOption,
        describe: "Further host name of the server, for example a proxy's; may be repeated",
      })
      .option('open-metrics', flag('Answer /metrics without a token, for a scraper that has none'))
      .option('proxy', {
        ...listOption,
        describe: 'Address of a proxy whose X-Forwarded-For names the client; may be repeated',
      })
      .option('memory-mb', {
        type: 'number',
        describe: "MiB for bodies and large images; by default a quarter of the machine's or container's, at most 1024",
      })
      .option('load-ms', {
        type: 'number',
        default: 60_000,
        describe: 'A model that is not opened and measured within this time is unavailable',
      })
      .option('watch', flag('Reload the models when the folder changes, as SIGHUP does'))
      .option('drain-ms', {
        type: 'number',
        describe: 'Milliseconds between "not ready" and refusing connections at the end; default 5000, on a terminal 0',
      })
      .option('log', { choices: logLevels, default: 'info' as const, describe: 'Log level on stderr' })
      .option('json', { ...jsonOption, describe: 'Print the address and the measured times as JSON' }),
  run: async (args, terminal) => {
    const { models, host, port, budgetMs, maxQueue, maxBatch, name: names, origin: origins, proxy: proxies } = args;
    const { tokenFile, openMetrics: hasOpenMetrics, memoryMb, loadMs } = args;
    const { decoders = Math.min(mostDecoders, availableParallelism()) } = args;
    const drainMs = args.drainMs ?? (terminal.live ? 0 : drainElsewhereMs);
    if (port !== undefined) checkPort('--port', port);
    wholeNumber('--budget-ms', budgetMs, 1, 60_000);
    wholeNumber('--max-queue', maxQueue, 1, 1e6);
    wholeNumber('--decoders', decoders, 1, 128);
    wholeNumber('--drain-ms', drainMs, 0, 600_000);
    wholeNumber('--load-ms', loadMs, 1, 3_600_000);
    if (memoryMb !== undefined) wholeNumber('--memory-mb', memoryMb, 1, 1e6);
    const workers = parseWorkers(args.workers);
    const path = modelsAt(models);
    const made = isLoopback(host) ? undefined : makeToken();
    const token = tokenFile === undefined ? made : readToken(tokenFile);
    const { readFrontier, startServer } = await import('../../serve/index.js');
    const { watchModels } = await import('../serve/watch.js');
    const { createServeView } = await import('../serve/view.js');
    const view = createServeView(terminal, args.log);
    const counter = createCounter(terminal);
    let server: RunningServer | null = null;
    const reload = (): void => {
      // Before that, the models are being read anyway.
      if (server !== null) void reloadModels(server, view.log);
    };
    process.on('SIGHUP', reload);
    try {
      server = await startServer({
        read: () => readFrontier(path),
        host,
        ...(port !== undefined && { port }),
        ...(token !== undefined && { token }),
        ...(memoryMb !== undefined && { memoryBytes: memoryMb * 2 ** 20 }),
        hasOpenMetrics,
        proxies,
        names,
        origins,
        loadMs,
        workers,
        maxQueue,
        maxBatch,
        decoders,
        budgetMs,
        log: view.log,
        onProgress: counter.show('networks measured'),
        onServed: (pool) => {
          counter.close();
          view.served(pool);
        },
      });
      const { address, service } = server;
      const unwatch = args.watch
        ? await watchModels(path, { everyMs: watchEveryMs, onChange: reload })
        : () => undefined;
      // The signal handlers are in place before the address is printed: a client may end the server at once.
      const ended = untilEnded(server, drainMs, view.log).finally(unwatch);
      terminal.out(args.json ? json({ address, networks: servedNetworks(service.pool) }) : `${address}\n`);
      if (tokenFile === undefined && made !== undefined) terminal.err(`Clients send Authorization: Bearer ${made}\n`);
      await ended;
    } finally {
      process.off('SIGHUP', reload);
      counter.close();
    }
  },
});
