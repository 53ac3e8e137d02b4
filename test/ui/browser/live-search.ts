import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../cli/nas.js';
import { writeEvaluated } from '../../runner/experiment.js';

/** Deeper networks are more accurate. A file has the number of evaluations that may end. */
const evaluation = (folder: string): string => `
import { appendFileSync, readFileSync } from 'node:fs';
const [begun, allowed] = ['begun', 'allowed'].map((name) => ${JSON.stringify(`${folder}/`)} + name);
export default async ({ genotype }, { signal }) => {
  appendFileSync(begun, '.');
  const own = readFileSync(begun).length;
  do {
    await new Promise((resolve) => setTimeout(resolve, 50));
    signal.throwIfAborted();
  } while (own > Number(readFileSync(allowed, 'utf8')));
  const sum = genotype.reduce((a, b) => a + b, 0);
  return { accuracy: 0.5 + sum / (2 * sum + 10), energy_mj: 1 + sum };
};
`;

/** A search by the built command in its own process, which ends when so many evaluations are allowed. */
export class LiveSearch {
  private child: ChildProcess | undefined;
  private readonly yaml: string;

  /** @param home The folder of its experiment and data. */
  constructor(
    private readonly home: string,
    private readonly workdir: string,
    trials: number,
  ) {
    mkdirSync(home, { recursive: true });
    this.yaml = writeEvaluated(home, evaluation(home), {
      name: 'live',
      seed: '1',
      evaluate: '{ type: module, path: ./evaluate.mjs, objectives: [{ name: energy_mj, direction: minimize }] }',
      objectives: '[accuracy]',
      search: `{ controller: random, trials: ${trials} }`,
    });
  }

  start(): void {
    this.spawn(['run', this.yaml, '--workdir', this.workdir]);
  }

  /** Lets so many evaluations end, over all its processes. */
  allow(evaluations: number): void {
    writeFileSync(join(this.home, 'allowed'), String(evaluations));
  }

  resume(): void {
    this.spawn(['resume', this.workdir]);
  }

  async kill(): Promise<void> {
    if (this.child?.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  /** Waits for its end. @returns the exit code. */
  async ended(): Promise<number | null> {
    if (this.child?.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child?.exitCode ?? null;
  }

  private spawn(args: readonly string[]): void {
    const env = { ...process.env, NAS_CACHE: join(this.home, 'cache') };
    this.child = spawn(process.execPath, [main, ...args], { stdio: 'ignore', env });
  }
}
