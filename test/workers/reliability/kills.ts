import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Random } from '../../../base/random.js';
import type { Valkey } from '../../support/valkey.js';
import { findings } from '../../runner/findings.js';
import { brief, type Command, type Machines } from './machines.js';

/** Killed processes; `job` is the process of a worker's job. */
const victims = ['coordinator', 'worker', 'job', 'server', 'server and its data'] as const;
export type Victim = (typeof victims)[number];

/** Lines of output that report a result. */
const resultLine = / (epoch \d+\/\d+|asked|complete): /;

/** A search through a queue whose processes are killed and restarted. */
export class KilledSearch {
  /** Victims of the kills so far. */
  readonly hits: Victim[] = [];
  private readonly workers: Command[] = [];

  constructor(
    private readonly machines: Machines,
    private readonly valkey: Valkey,
    private readonly random: Random,
    private readonly file: string,
  ) {}

  /** Starts the workers. */
  async begin(workers: number): Promise<void> {
    for (let i = 0; i < workers; i++) this.workers.push(this.machines.worker(this.valkey.url, { silence: brief }));
    await this.machines.ready(this.valkey.url, ...this.workers);
  }

  /**
   * Runs the experiment to its end under at most `limit` kills, each after a few results. Killed processes are restarted.
   * @returns the findings of the run
   */
  async run(workdir: string, limit: number) {
    let coordinator = this.coordinate(workdir);
    while (this.hits.length < limit) {
      const lines = this.random.int(4);
      const delay = this.random.int(300);
      const victim = victims[this.random.int(victims.length)];
      await Promise.race([reported(coordinator, lines), coordinator.over]);
      await Promise.race([sleep(delay), coordinator.over]);
      if (!coordinator.isRunning()) break;
      if (await this.kill(victim, coordinator)) this.hits.push(victim);
      await sleep(this.random.int(3) * 400);
      await this.replace(victim);
      if (!coordinator.isRunning()) coordinator = this.coordinate(workdir);
    }
    const code = await coordinator.over;
    if (code !== 0) {
      const all = [coordinator, ...this.workers].map(({ name, output }) => `${name}:\n${output}`);
      throw new Error(`after ${this.hits.join(', ')} the run ended with ${String(code)}\n${all.join('\n')}`);
    }
    return findings(workdir);
  }

  private coordinate(workdir: string): Command {
    const goesOn = existsSync(join(workdir, 'nas.sqlite'));
    return this.machines.nas(goesOn ? ['resume', workdir] : ['run', this.file, '--workdir', workdir]);
  }

  /** @returns whether a process was killed */
  private async kill(victim: Victim, coordinator: Command): Promise<boolean> {
    const worker = this.workers[this.random.int(this.workers.length)];
    switch (victim) {
      case 'coordinator':
        await coordinator.kill();
        return true;
      case 'worker':
        await worker.kill();
        return true;
      case 'job': {
        const jobs = worker.children();
        for (const pid of jobs) process.kill(pid, 'SIGKILL');
        return jobs.length > 0;
      }
      case 'server':
      case 'server and its data':
        await this.valkey.kill();
        return true;
    }
  }

  private async replace(victim: Victim): Promise<void> {
    if (victim === 'server' || victim === 'server and its data')
      await this.valkey.restart({ empty: victim !== 'server' });
    for (const [i, worker] of this.workers.entries())
      if (!worker.isRunning()) {
        // Killed by the test: nothing else ends a worker.
        expect(worker.child.signalCode, worker.output).toBe('SIGKILL');
        this.workers[i] = this.machines.worker(this.valkey.url, { silence: brief });
      }
  }
}

/** Resolves once a command has printed `count` more results. */
async function reported(command: Command, count: number): Promise<void> {
  const results = () => command.output.split('\n').filter((line) => resultLine.test(line)).length;
  const before = results();
  while (command.isRunning() && results() < before + count) await sleep(20);
  // A command that has just started has to print something first.
  while (command.isRunning() && command.output === '') await sleep(20);
}
