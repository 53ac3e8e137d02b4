import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { Random } from '../../base/random.js';
import type { RunEvent } from '../../runner/events.js';
import { ended, start } from './experiment.js';
import { findings } from './findings.js';
import { messagesOf, resumeInside, runInside } from './inside.js';

/** How many kills; `npm run test:kills` takes 25. */
export const killCount = Number(process.env['NAS_KILLS'] ?? 1);

export type Victim = 'coordinator' | 'worker';

export interface Kill {
  readonly victim: Victim;
  /** Printed results before the kill. */
  readonly after: number;
  /** Time after them, in ms. */
  readonly delay: number;
}

/** Events that a run prints as results, each on a line of its own. */
const results: readonly RunEvent['kind'][] = ['phase-epoch', 'trial-asked', 'trial-epoch', 'trial-finished'];
const resultLine = / (epoch \d+\/\d+|asked|complete): /;

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

const children = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};

/** Resolves once a command has printed so many results; for 0, once it has printed anything. */
function printed(child: ChildProcess, count: number): Promise<void> {
  let output = '';
  return new Promise((resolve) =>
    child.stderr?.on('data', (text: Buffer) => {
      output += text.toString();
      if (output.split('\n').filter((line) => resultLine.test(line)).length >= count) resolve();
    }),
  );
}

/**
 * Runs the experiment and kills it again and again, each kill followed by a resume, until `limit` kills have hit or the
 * run is complete; ends with an undisturbed resume in this process.
 * @returns the kills that hit a living process.
 */
async function runWithKills(
  directory: string,
  file: string,
  workdir: string,
  nextKill: () => Kill,
  limit: number,
): Promise<number> {
  const hasBegun = () => existsSync(join(workdir, 'nas.sqlite'));
  const command = () => (hasBegun() ? ['resume', workdir] : ['run', file, '--workdir', workdir]);
  let hits = 0;
  while (hits < limit) {
    const { victim, after, delay } = nextKill();
    const child = start(directory, command());
    const over = ended(child);
    await Promise.race([printed(child, after).then(() => sleep(delay)), over]);
    if (!isRunning(child) || child.pid === undefined) break;
    const workers = children(child.pid);
    const target = victim === 'worker' ? workers.at(hits % Math.max(1, workers.length)) : child.pid;
    if (target !== undefined) {
      process.kill(target, 'SIGKILL');
      hits++;
    }
    if (victim === 'worker') await Promise.race([sleep(500), over]);
    if (isRunning(child)) child.kill('SIGKILL');
    await over;
  }
  if (hasBegun()) await resumeInside(workdir);
  else await runInside(file, workdir);
  return hits;
}

/** Random kills, each within so many printed results. */
function randomKills(most: number, seed: number): () => Kill {
  const random = new Random(seed, 'kills');
  return () => ({
    victim: random.uniform() < 0.7 ? 'coordinator' : 'worker',
    after: random.int(most),
    delay: random.int(200),
  });
}

/** Kills runs of an experiment until enough kills have hit; each run must find what the uninterrupted one found. */
export async function killAndCompare(
  directory: string,
  file: string,
  { expected, events }: Awaited<ReturnType<typeof runInside>>,
  seed: number,
) {
  // Each training is the native engine's, unless there is none for its networks.
  expect(messagesOf(events, ['note']).filter((note) => note.includes('engine'))).toEqual([]);
  const inHalfOfIt = Math.ceil(events.filter(({ kind }) => results.includes(kind)).length / 2);
  const nextKill = randomKills(inHalfOfIt, seed);
  let hits = 0;
  for (let round = 0; hits < killCount; round++) {
    const killed = join(directory, `killed-${seed}-${round}`);
    hits += await runWithKills(directory, file, killed, nextKill, killCount - hits);
    expect(findings(killed)).toEqual(expected);
  }
}
