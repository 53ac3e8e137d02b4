import { statSync } from 'node:fs';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import {
  collectFrontier,
  collectPrecisions,
  collectRun,
  collectRuns,
  collectSupernet,
  collectWorkers,
  duration,
  supernetText,
  workersText,
  type RunSummary,
} from '../../reports/index.js';
import { budgetMinutes } from '../../runner/budget/decisions.js';
import { experimentOf } from '../../runner/stored/experiment.js';
import { precisionsText } from '../../runner/compress/verdict.js';
import { RunCache } from '../../reports/page/collect/run-cache.js';
import { findingsHash } from '../../runner/stored/findings.js';
import { generationText } from '../../runner/stored/generation.js';
import { hasRun } from '../../runner/stored/workdir.js';
import type { Store } from '../../store/index.js';
import { command, jsonOption, flag } from '../command.js';
import { withRun } from '../open-run.js';
import { atWorkListing, runsTable } from '../output/runs.js';
import { json, renderFacts, type Fact } from '../output/terminal.js';

const statusText = ({ status, message }: RunSummary, workdir: string): string =>
  status === 'died'
    ? `died: its process is gone; nas resume ${workdir} continues it`
    : `${status}${message === null ? '' : `: ${message}`}`;

const trainedSchema = z.looseObject({
  provider: z.string(),
  adapter: z.string().optional(),
  cpu: z.string().optional(),
  native: z.string().optional(),
});

/** The processor or graphics card of the trainings, as it was when the run began; nothing for a run on a table. */
function trainsOn(environment: unknown): Fact[] {
  const { data } = trainedSchema.safeParse(environment);
  if (data === undefined) return [];
  const { provider, adapter, cpu, native } = data;
  const where = provider === 'cpu' ? cpu : adapter;
  const engine = native === undefined ? '' : `, native engine (${native})`;
  return [['trains on', `${provider}${where === undefined ? '' : ` (${where})`}${engine}`]];
}

/** The pace of the search and its end by it, as on the page; nothing while no few trials have ended. */
function paceFacts(store: Store): Fact[] {
  const cache = new RunCache();
  cache.update(store);
  const { trialsPerHour, etaSeconds } = cache.summary(store, Date.now()).pace;
  if (trialsPerHour === null || etaSeconds === null) return [];
  return [['ETA of the search', `${duration(etaSeconds)}, by ${trialsPerHour.toPrecision(3)} trials/h`]];
}

/** The time that the run works, of the time that it may take. */
function budgetFacts(store: Store): Fact[] {
  const minutes = budgetMinutes(store, Date.now);
  if (minutes === undefined) return [];
  const { spent, budget } = minutes;
  return [['budget', `${spent.toFixed(1)} of ${counted(budget, 'minute')} spent`]];
}

export const status = command({
  usage: 'status <workdir>',
  summary: 'Show the status of a run',
  examples: [
    ['status runs/quickstart', 'trials done, failed and planned; best accuracy; frontier'],
    ['status runs/quickstart --json', 'the same for programs'],
    ['status runs', 'all runs of a folder, with their status and best values'],
    ['status runs/quickstart --hash', 'one hash of all that it found: equal runs have equal ones'],
  ],
  options: (yargs) =>
    yargs
      .positional('workdir', { type: 'string', demandOption: true, describe: "A run's folder, or one with runs in it" })
      .option('hash', flag('Print a hash of trials, curves, weights and accuracies, without times and latencies'))
      .option('json', jsonOption),
  run: ({ workdir, hash, json: asJson }, { out, colors }) => {
    const isFolder = statSync(workdir, { throwIfNoEntry: false })?.isDirectory() ?? false;
    const runs = isFolder && !hasRun(workdir) ? collectRuns(workdir) : [];
    if (runs.length > 0) {
      if (hash)
        throw invalidInput(`--hash is of one run, and ${workdir} is a folder of runs`, { hint: 'Give one of them.' });
      out(asJson ? json(runs) : runsTable(runs, colors));
      return;
    }
    return withRun(workdir, (store) => {
      if (hash) {
        const found = findingsHash(store, workdir);
        out(asJson ? json({ hash: found }) : `${found}\n`);
        return;
      }
      const run = collectRun(store);
      const supernet = collectSupernet(store, experimentOf(store));
      const precisions = collectPrecisions(store);
      const workers = collectWorkers(store);
      const results = generationText(store);
      const frontier = collectFrontier(store).map(({ number, precision }) => ({ number, precision }));
      const numbers = [...new Set(frontier.map(({ number }) => number))];
      const members = frontier.map(({ number, precision }) => (precision ? `${number} ${precision}` : String(number)));
      if (asJson) {
        const candidates = frontier.map(({ number: trial, precision }) => ({ trial, precision }));
        const parts = {
          ...(results !== undefined && { results }),
          ...(precisions && { precisions, candidates }),
          ...(workers && { workers }),
        };
        out(json({ ...run, supernet, frontier: numbers, ...parts }));
        return;
      }
      const seconds = (Date.parse(run.updatedAt) - Date.parse(run.startedAt)) / 1000;
      const states = (['running', 'waiting', 'pruned', 'failed'] as const).filter((state) => run.counts[state] > 0);
      const others = states.map((state) => `, ${run.counts[state]} ${state}`).join('');
      const facts: readonly (Fact | false)[] = [
        [
          'run',
          `${colors.bold(run.name)} (seed ${run.seed}, nas ${run.version}, ${run.threads} thread${run.threads === 1 ? '' : 's'} a worker)`,
        ],
        ['status', statusText(run, workdir)],
        results !== undefined && ['results', results],
        ...trainsOn(store.run.get().environment),
        supernet !== null && ['supernet', supernetText(supernet, run.task)],
        ['trials', `${run.counts.complete} of ${run.planned} complete${others}`],
        ...(run.status === 'running' ? paceFacts(store) : []),
        ...budgetFacts(store),
        ['rejected', `${run.rejected} candidates before ${run.evaluation === 'table' ? 'evaluation' : 'training'}`],
        precisions !== undefined && ['precisions', precisionsText(precisions)],
        ['frontier', `${numbers.length} networks${numbers.length === 0 ? '' : `: trials ${members.join(', ')}`}`],
        workers !== undefined && ['workers', workersText(workers)],
        ['started', run.startedAt],
        ['last change', `${run.updatedAt} (${duration(seconds)} after the start)`],
      ];
      out(renderFacts(facts, colors));
      if (workers !== undefined) out(atWorkListing(workers, Date.now(), colors));
    });
  },
});
