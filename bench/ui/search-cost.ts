import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadExperiment } from '../../experiments/index.js';
import { runExperiment } from '../../runner/index.js';
import { type Mark, writeLargeTable, writeSearch } from '../search/large-table.js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { openWindow } from './browser.js';
import { startServer } from './server.js';

/** Searches the large table. @returns the folder of the run `large`. */
export async function makeHistory(folder: string, trials: number): Promise<string> {
  const runs = join(folder, 'runs');
  mkdirSync(runs);
  writeLargeTable(folder);
  const loaded = loadExperiment(writeSearch(folder, 'random', trials));
  await runExperiment(loaded, { workdir: join(runs, 'large') }, () => undefined);
  return runs;
}

const script = fileURLToPath(new URL('../search/large-run.js', import.meta.url));

/** CPU seconds of a search on a table, from the first ask to the last trial. */
async function search(file: string, workdir: string): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, file, workdir, 'Infinity'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (text: Buffer) => (out += text.toString()));
  await once(child, 'close');
  const marks = out.split('\n').filter(Boolean);
  // The script wrote them.
  const parsed = marks.map((line) => JSON.parse(line) as Mark);
  const [ready, last] = [parsed.find(({ at }) => at === 'ready'), parsed.findLast(({ at }) => at === 'trials')];
  if (ready === undefined || last === undefined) throw new Error('the search ended early');
  return last.cpuSeconds - ready.cpuSeconds;
}

/** CPU seconds of a search without and with an open page, in alternating rounds. */
interface SearchCost {
  readonly alone: readonly number[];
  readonly watched: readonly number[];
}

export async function searchCost(
  browser: Browser,
  folder: string,
  trials: number,
  rounds: number,
): Promise<SearchCost> {
  writeLargeTable(folder);
  const file = writeSearch(folder, 'random', trials);
  const runs = join(folder, 'watched');
  const cost = { alone: [] as number[], watched: [] as number[] };
  const watched = async (round: number): Promise<void> => {
    const server = await startServer(runs);
    try {
      const page = await openWindow(browser, server.address);
      const id = `run-${round}`;
      const searching = search(file, join(runs, id));
      await page.goto('/');
      await page.getByRole('link', { name: id }).first().click();
      cost.watched.push(await searching);
      await page.context().close();
    } finally {
      await server.close();
    }
  };
  for (let round = 0; round < rounds; round++) {
    const alone = async () => void cost.alone.push(await search(file, join(folder, 'alone', `run-${round}`)));
    // The order alternates, so other load affects both.
    if (round % 2 === 0) await alone();
    await watched(round);
    if (round % 2 === 1) await alone();
  }
  return cost;
}
