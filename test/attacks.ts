/**
 * Attacks the server, the page, the latency agent and the server of a run's files. Each attack meets a fresh process with a memory
 * of 512 MiB (where control groups can be created), beside a normal load from another address. Reports what the normal load saw,
 * and as a control what it saw right before. All traffic stays on loopback addresses.
 *
 *   npm run test:serve -- --seconds 10 --only "a flood of 500 connections" --only "long names of decisions"
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LimitedGroups, memoryOf, waitedMs } from './attacks/limited-process.js';
import { observe, warmUp, type Load, type Seen } from './attacks/normal-load.js';
import { pageAttacks } from './attacks/page.js';
import { serveAttacks } from './attacks/serve.js';
import { hostFiles, subjects } from './attacks/subjects.js';
import type { Attack, Target } from './attacks/types.js';

const attacks: Readonly<Record<string, Attack>> = { ...serveAttacks, ...pageAttacks };

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string', multiple: true, default: Object.keys(attacks) },
    /** All attacks on the server at once. */
    together: { type: 'boolean', default: false },
    /** Folder for profiles of the attacked processes. */
    profile: { type: 'string' },
    attack: { type: 'string' },
    target: { type: 'string', default: '{}' },
    files: { type: 'string' },
  },
});

const self = ['--import', 'tsx', fileURLToPath(import.meta.url)];
const bars = { share: 0.95, shareOfThousand: 0.9, stallMs: 250, memory: 1.2 } as const;
const seconds = Number(options.seconds);

/** Starts the attacks, each in a process of its own. @returns ends them, and says which had ended by themselves */
async function begin(
  names: readonly string[],
  target: Target,
  groups: LimitedGroups,
): Promise<() => Promise<string[]>> {
  const processes = names.map((name) =>
    spawn(
      'sh',
      groups.enter('attackers', [process.execPath, ...self, '--attack', name, '--target', JSON.stringify(target)]),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    ),
  );
  await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')));
  return async () => {
    const over = names.filter((_, i) => processes[i].exitCode !== null);
    for (const attacker of processes) {
      if (attacker.exitCode !== null) continue;
      const ended = once(attacker, 'exit');
      attacker.kill('SIGTERM');
      const late = setTimeout(() => attacker.kill('SIGKILL'), 1000);
      await ended;
      clearTimeout(late);
    }
    return over;
  };
}

const text = ({ share, sent, p50, p99, stallMs, ownStallMs, refused }: Seen, { budgetMs }: Load): string =>
  `${(100 * share).toFixed(1)} % of ${sent} in ${budgetMs} ms, p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ` +
  `slowest of the others ${stallMs.toFixed(0)} ms${ownStallMs > 50 ? ` (the client itself stood still for ${ownStallMs.toFixed(0)} ms)` : ''}${refused}`;

/** @returns the missed bars */
async function trial(names: readonly string[], groups: LimitedGroups): Promise<string[]> {
  const { kind, networks, detects = false, isFromThousand = false } = attacks[names[0]];
  const root = mkdtempSync(join(tmpdir(), 'nas-attacks-'));
  const subject = await subjects[kind]({ root, groups, self, networks, detects });
  const { child, target, load } = subject;
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  const pid = child.pid ?? 0;
  await warmUp(load, 2);
  await sleep(2000);
  const quiet = await observe(load, Math.max(3, seconds / 2));
  const before = memoryOf(pid);
  const end = await begin(names, target, groups);
  await sleep(1000);
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, memoryOf(pid))), 100);
  const waited = waitedMs(pid);
  const seen = await observe(load, seconds);
  const waits = (waitedMs(pid) - waited) / (10 * seconds);
  clearInterval(sampling);
  const over = await end();
  await sleep(5000);
  const later = await observe(load, 3);
  const after = memoryOf(pid);
  const hasEnded = child.exitCode !== null || child.signalCode !== null;
  const share = isFromThousand ? bars.shareOfThousand : bars.share;
  const percent = (part: number): string => `answered ${(100 * part).toFixed(0)} %`;
  const missed = [
    ...over.map((name) => `the attack ${name} ended by itself`),
    // Beside a control that fails, the other shares say nothing.
    ...(quiet.share < bars.share ? [`before it, ${percent(quiet.share)}`] : []),
    ...(hasEnded ? [`it ended (${String(child.signalCode ?? child.exitCode)})`] : []),
    ...(seen.share < share * quiet.share ? [percent(seen.share / quiet.share)] : []),
    ...(seen.stallMs > bars.stallMs + quiet.stallMs ? [`a stall of ${seen.stallMs.toFixed(0)} ms`] : []),
    ...(later.share < bars.share * quiet.share ? ['it does not recover'] : []),
    ...(after > bars.memory * before ? [`memory stays at ${after.toFixed(0)} MB, before ${before.toFixed(0)} MB`] : []),
  ];
  const sizes = [before, peak, after].map((size) => size.toFixed(0)).join(' → ');
  console.log(
    `${names.join(', ')}: memory ${sizes} MB, ${waits.toFixed(0)} % of the time without a core${missed.length > 0 ? `; MISSED: ${missed.join(', ')}` : ''}`,
  );
  for (const [when, what] of Object.entries({ before: quiet, during: seen, after: later }))
    console.log(`  ${when}: ${text(what, load)}`);
  if (!hasEnded) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(root, { recursive: true, force: true });
  return missed;
}

async function main(): Promise<void> {
  const unknown = options.only.find((name) => !Object.hasOwn(attacks, name));
  if (unknown !== undefined) throw new Error(`there is no attack '${unknown}': ${Object.keys(attacks).join(', ')}`);
  const groups = new LimitedGroups(
    512 * 2 ** 20,
    options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`],
  );
  console.log(groups.text);
  const isPlain = (name: string): boolean =>
    attacks[name].kind === 'serve' && attacks[name].networks === undefined && attacks[name].detects !== true;
  const trials = options.together ? [options.only.filter(isPlain)] : options.only.map((name) => [name]);
  const missed: string[] = [];
  for (const names of trials) if ((await trial(names, groups)).length > 0) missed.push(names.join(', '));
  groups.close();
  if (missed.length > 0) console.error(`missed: ${missed.join('; ')}`);
  process.exitCode = missed.length === 0 ? 0 : 1;
}

if (options.files !== undefined) console.log(await hostFiles(options.files));
else if (options.attack !== undefined) {
  console.log('attacking');
  // Paused sockets alone would not keep the process alive.
  setInterval(() => undefined, 1000);
  await attacks[options.attack].run(JSON.parse(options.target) as Target);
} else await main();
