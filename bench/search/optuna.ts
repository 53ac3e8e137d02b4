import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../../base/errors.js';
import { enumerate } from '../../spaces/index.js';
import type { Problem } from '../search-table/task.js';

const script = fileURLToPath(new URL('./optuna_search.py', import.meta.url));

/** Sampler name in the script → label. */
export const samplers = { nsga2: 'Optuna NSGA-II, population 20', tpe: 'Optuna TPE, multivariate' } as const;
export type Sampler = keyof typeof samplers;

/** Optuna in a Python installation, or the reason why it is unavailable. */
export type Peer = { readonly python: string; readonly version: string } | { readonly missing: string };

export async function findOptuna(python: string): Promise<Peer> {
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', 'import optuna; print(optuna.__version__)']);
    return { python, version: stdout.trim() };
  } catch (error) {
    const reason = messageOf(error).trim().split('\n').at(-1) ?? '';
    return { missing: `Optuna is not available in ${python} (${reason}); on Debian: apt-get install python3-optuna` };
  }
}

const searchResultSchema = z.object({ rows: z.array(z.number().int().nonnegative()), ms: z.number() });

/** One Optuna search: table rows in the order of evaluation, and ms per trial. */
export type OptunaSearch = z.output<typeof searchResultSchema>;

/** Runs searches with seeds 0 to `seeds` - 1 sequentially in one process. @throws Error if the process fails. */
export async function searchWithOptuna(
  python: string,
  sampler: Sampler,
  { results, objectives }: Problem,
  budget: number,
  seeds: number,
): Promise<OptunaSearch[]> {
  const { table, columns } = results;
  const rows: (readonly number[])[] = [];
  for (const genotype of enumerate(table.space)) rows[table.rowOf(genotype)] = genotype;
  const job = {
    choices: table.space.decisions.map(({ choices }) => choices.length),
    rows,
    objectives: objectives.map(({ name, direction }) => ({ direction, values: [...(columns.get(name) ?? [])] })),
    sampler,
    budget,
    seeds: Array.from({ length: seeds }, (_, seed) => seed),
  };
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  child.stdin.end(JSON.stringify(job));
  const searches: OptunaSearch[] = [];
  for await (const line of createInterface(child.stdout)) searches.push(searchResultSchema.parse(JSON.parse(line)));
  const code: unknown = (await closed)[0];
  if (code !== 0) throw new Error(`Optuna's process ended with code ${String(code)}`);
  return searches;
}
