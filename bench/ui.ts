/**
 * The performance of `nas ui` with 50,000 trials: a search on a synthetic table of 65,536 networks
 * (bench/search/large-table.ts), in headless Chromium. Each figure has a limit.
 *
 * - Page times: from the request until the named element is visible, with an empty cache; median of three.
 * - Key strokes: from the key to the next frame with its effect, by the browser's event timing; maximum.
 * - Live: a process appends 100 trials per second to a copy of the store while the page of the run is open;
 *   requestAnimationFrame counts the frames of each second.
 * - Memory: the page's renderer process and its script heap after a garbage collection; the most proportional memory (PSS)
 *   of the server and of the command that starts it.
 * - Slowdown of a search: CPU seconds of searches on the same table, alternating with and without an open page.
 *
 *   npm run bench:ui -- [trials] [trials of the compared searches] [rounds]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import type { Browser, Page } from 'playwright-core';
import { median } from '../latency-models/statistics.js';
import {
  allTrialsListed,
  allTrialsSeen,
  filterField,
  framesOver,
  frontierSeen,
  memoryIn,
  openBrowser,
  openWindow,
  runsSeen,
  timeKeys,
  timeTo,
  trialsSeen,
} from './ui/browser.js';
import { makeHistory, searchCost } from './ui/search-cost.js';
import { missingPeer, type Server, startServer } from './ui/server.js';

const [trials, compared, rounds] = [50_000, 10_000, 3].map((usual, i) => Number(process.argv[i + 2] ?? usual));
const liveSeconds = 20;
const liveRate = 100;

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The upper limit, or the lower limit with `atLeast`; absent: for information only. */
  readonly bar?: number;
  readonly atLeast?: boolean;
}

const text = ({ value, unit }: Figure): string => `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`;
const verdict = ({ value, bar, atLeast = false }: Figure): string =>
  bar === undefined ? '' : (atLeast ? value >= bar : value <= bar) ? 'met' : 'missed';

/** The median of three runs, each with an empty cache. */
async function pageTime(
  browser: Browser,
  { address }: Server,
  path: string,
  seen: (page: Page) => Promise<unknown>,
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 3; i++) {
    const page = await openWindow(browser, address);
    times.push((await timeTo(page, path, seen)) / 1000);
    await page.context().close();
  }
  return median(times);
}

async function pageTimes(browser: Browser, server: Server): Promise<Figure[]> {
  const time = (path: string, seen: (page: Page) => Promise<unknown>) => pageTime(browser, server, path, seen);
  return [
    { what: 'first page usable', value: await time('/', runsSeen), unit: 's', bar: 2 },
    { what: 'frontier drawn', value: await time('/runs/large', frontierSeen), unit: 's', bar: 2 },
    { what: 'all its trials loaded', value: await time('/runs/large', allTrialsSeen), unit: 's' },
    { what: 'list of trials shown', value: await time('/runs/large/trials', trialsSeen), unit: 's', bar: 2 },
    {
      what: 'all its trials listed',
      value: await time('/runs/large/trials', (page) => allTrialsListed(page, trials)),
      unit: 's',
    },
  ];
}

async function filtering(browser: Browser, { address }: Server): Promise<Figure[]> {
  const page = await openWindow(browser, address);
  await page.goto('/runs/large/trials');
  await allTrialsListed(page, trials);
  await filterField(page).click();
  const keys = await timeKeys(page, 'acc > 0.93 and ms < 6 or d3 = c1');
  const { heap, renderer } = await memoryIn(browser, page);
  await page.context().close();
  return [
    { what: 'key stroke in the filter, longest', value: Math.max(0, ...keys), unit: 'ms', bar: 100 },
    { what: 'memory of the browser, list of trials', value: renderer, unit: 'MiB', bar: 400 },
    { what: 'of that, script heap', value: heap, unit: 'MiB' },
  ];
}

/** The page of a run that gains 100 trials per second. */
async function live(browser: Browser, { address }: Server, workdir: string): Promise<Figure[]> {
  const page = await openWindow(browser, address);
  await page.goto('/runs/live');
  await allTrialsSeen(page);
  const script = fileURLToPath(new URL('ui/writer.ts', import.meta.url));
  const args = ['--import', 'tsx', script, workdir, String(liveRate), String(liveSeconds + 4)];
  const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  writer.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const ended = once(writer, 'close');
  await once(writer.stdout, 'data');
  await page.waitForTimeout(2000);
  const { median: usual, worst, longest } = await framesOver(page, liveSeconds);
  await ended;
  const { heap, renderer } = await memoryIn(browser, page);
  await page.context().close();
  return [
    { what: 'live: trials appended', value: Number(out.trim().split('\n').at(-1)), unit: '/s' },
    { what: 'live: frames, median second', value: usual, unit: '/s', bar: 30, atLeast: true },
    { what: 'live: frames, worst second', value: worst, unit: '/s', bar: 30, atLeast: true },
    { what: 'live: longest between two frames', value: longest, unit: 'ms' },
    { what: 'memory of the browser, live run', value: renderer, unit: 'MiB', bar: 400 },
    { what: 'of that, script heap', value: heap, unit: 'MiB' },
  ];
}

/** The compressed size of all files that a browser loads. */
function bundle(): Figure {
  const folder = fileURLToPath(new URL('../dist/ui/app', import.meta.url));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(({ name }) =>
    name.endsWith('.br'),
  );
  const bytes = files.map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
  return { what: 'bundle, brotli', value: bytes.reduce((a, b) => a + b, 0) / 1000, unit: 'kB', bar: 260 };
}

const rangeOf = (seconds: readonly number[]): string =>
  `${Math.min(...seconds).toFixed(2)} to ${Math.max(...seconds).toFixed(2)}`;

async function slowdown(browser: Browser, folder: string): Promise<Figure[]> {
  mkdirSync(folder);
  const { alone, watched } = await searchCost(browser, folder, compared, rounds);
  const [without, withPage] = [median(alone), median(watched)];
  return [
    { what: `search of ${compared}, alone (${rangeOf(alone)})`, value: without, unit: 'CPU s' },
    { what: `watched (${rangeOf(watched)})`, value: withPage, unit: 'CPU s' },
    { what: 'slowdown', value: 100 * (withPage / without - 1), unit: '%', bar: 2 },
  ];
}

const folder = mkdtempSync(join(tmpdir(), 'nas-bench-'));
const figures: Figure[] = [];
const record = (...added: readonly Figure[]): void => {
  figures.push(...added);
  for (const figure of added) console.error(`${figure.what}: ${text(figure)}`);
};
record(bundle());
try {
  const runs = await makeHistory(folder, trials);
  cpSync(join(runs, 'large'), join(runs, 'live'), { recursive: true });
  const browser = await openBrowser();
  try {
    const server = await startServer(runs);
    try {
      record(...(await pageTimes(browser, server)));
      record(...(await filtering(browser, server)));
      record(...(await live(browser, server, join(runs, 'live'))));
      const peak = server.peakMemory();
      if (peak !== null)
        record(
          {
            what: 'proportional memory of the server and its launcher, at most',
            value: peak.both,
            unit: 'MiB',
            bar: 200,
          },
          { what: 'proportional memory of the server alone, at most', value: peak.server, unit: 'MiB' },
        );
    } finally {
      await server.close();
    }
    record(...(await slowdown(browser, join(folder, 'slowdown'))));
  } finally {
    await browser.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const table = new Table({ head: ['', 'here', 'bar', ''], style: { head: [], border: [] } });
for (const figure of figures) {
  const { bar, unit, atLeast = false } = figure;
  table.push([
    figure.what,
    text(figure),
    bar === undefined ? '' : `${atLeast ? '≥' : '≤'} ${bar} ${unit}`,
    verdict(figure),
  ]);
}
console.log(`${trials} trials; ${cpus().length} processors (${cpus()[0]?.model ?? 'unknown'})`);
console.log(table.toString());
console.log(missingPeer() ?? 'optuna-dashboard is available');
