/**
 * Attacks the page, the latency agent and the server of a run's files, each attack against a fresh process with a memory of 512 MiB
 * (where control groups can be created), beside a normal load from another address, and reports what the normal load saw. All traffic
 * stays on loopback addresses.
 *
 *   node --import tsx test/page-attacks.ts --seconds 10 --only "long names of decisions"
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { HostedArtifacts } from '../workers/artifacts/hosted.js';
import { serveArtifacts } from '../workers/artifacts/server.js';
import { attackers } from './support/page-attackers.js';
import { writeExampleRun } from './ui/browser/example-run.js';

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    only: { type: 'string', default: Object.keys(attackers).join() },
    attack: { type: 'string' },
    target: { type: 'string', default: '{}' },
    files: { type: 'string' },
  },
});

const token = 'a token of the attacks on the page';
const [everyMs, budgetMs, limitBytes] = [100, 1000, 512 * 2 ** 20];
const bars = { answered: 0.95, stallMs: 250, memory: 1.2 } as const;

type Kind = 'page' | 'agent' | 'files';
const kindOf = (attack: string): Kind =>
  (['agent', 'files'] as const).find((kind) => attack.startsWith(kind)) ?? 'page';

/** What the normal load asks for. */
const paths: { readonly [K in Kind]: string } = {
  page: '/api/runs',
  agent: '/v1/device',
  files: `/v1/artifacts/${'0'.repeat(64)}`,
};

/** A control group with a limit of memory; null: this machine allows none. */
function limitedGroup(): string | null {
  for (const [root, file] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ]) {
    const group = join(root, `nas-page-attacks-${process.pid}`);
    try {
      mkdirSync(group);
      writeFileSync(join(group, file), String(limitBytes));
      return group;
    } catch {
      rmSync(group, { recursive: true, force: true });
    }
  }
  return null;
}

const self = ['--import', 'tsx', fileURLToPath(import.meta.url)];

async function start(
  kind: Kind,
  folder: string,
  group: string | null,
): Promise<{ child: ChildProcess; port: number; token: string }> {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const tokenFile = join(folder, '..', 'token');
  writeFileSync(tokenFile, token);
  const state = join(folder, '..', 'state');
  const args: { readonly [K in Kind]: readonly string[] } = {
    page: [main, 'ui', folder, '--port=0'],
    agent: [main, 'agent', '--listen=127.0.0.1:0', `--state=${state}`, `--token-file=${tokenFile}`],
    files: [...self, '--files', state],
  };
  const enter = group === null ? '' : `echo $$ > ${join(group, 'cgroup.procs')}; `;
  const command = ['-c', `${enter}exec "$0" "$@" 2>&1`, process.execPath, ...args[kind]];
  const child = spawn('sh', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    const address = /http:\/\/[\w.:]+(\/\?token=(\w+))?/.exec(line);
    if (address === null) continue;
    lines.close();
    child.stdout.resume();
    return { child, port: Number(new URL(address[0]).port), token: address.at(2) ?? token };
  }
  throw new Error(`${kind} does not start`);
}

/** Milliseconds until an answer without an error of the server; Infinity without one. */
function ask(port: number, path: string, agent: Agent): Promise<number> {
  const began = performance.now();
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, agent, headers: { authorization: `Bearer ${token}` } });
    const timer = afterLong(() => sent.destroy());
    const end = (ms: number): void => {
      clearTimeout(timer);
      resolve(ms);
    };
    sent.on('response', (response) =>
      response.resume().on('end', () => end((response.statusCode ?? 500) < 500 ? performance.now() - began : Infinity)),
    );
    sent.on('error', () => end(Infinity));
    sent.end();
  });
}

const afterLong = (task: () => void): NodeJS.Timeout => globalThis.setTimeout(task, 20_000);

interface Seen {
  readonly answered: number;
  readonly sent: number;
  readonly stallMs: number;
}

async function observe(port: number, path: string, seconds: number): Promise<Seen> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const asked: Promise<number>[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    asked.push(ask(port, path, agent));
    await sleep(everyMs);
  }
  const times = await Promise.all(asked);
  agent.destroy();
  return {
    answered: times.filter((ms) => ms <= budgetMs).length / times.length,
    sent: times.length,
    stallMs: Math.max(...times),
  };
}

/** Resident memory of a process and its children, in MB. */
function memory(pid: number): number {
  try {
    const kB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return kB / 1024 + children.reduce((sum, child) => sum + memory(Number(child)), 0);
  } catch {
    return 0;
  }
}

/** The problems of an attack; none: the bars are met. */
async function trial(attack: string, group: string | null, seconds: number): Promise<string[]> {
  const root = mkdtempSync(join(tmpdir(), 'nas-page-attacks-'));
  const folder = join(root, 'runs');
  await writeExampleRun(join(folder, 'short'), 'short', { trials: 60 });
  await writeExampleRun(join(folder, 'long'), 'long', { trials: 60 });
  const database = new Database(join(folder, 'long', 'nas.sqlite'));
  database.exec(`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 150000)
    INSERT INTO events (at, kind, detail) SELECT (SELECT max(at) FROM events) + n, 'note',
    json_object('message', 'an event of a long run, number ' || n) FROM c`);
  database.close();
  const kind = kindOf(attack);
  const server = await start(kind, folder, group);
  const { child, port } = server;
  const pid = child.pid ?? 0;
  const path = paths[kind];
  await observe(port, path, 2);
  const quiet = await observe(port, path, 3);
  const before = memory(pid);
  const target = JSON.stringify({ port, token: server.token, folder });
  const attacker = spawn('nice', ['-n', '10', process.execPath, ...self, '--attack', attack, '--target', target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(attacker.stdout, 'data');
  await sleep(1000);
  let peak = before;
  const sampling = setInterval(() => (peak = Math.max(peak, memory(pid))), 100);
  const seen = await observe(port, path, seconds);
  clearInterval(sampling);
  const ended = once(attacker, 'exit');
  attacker.kill('SIGKILL');
  await ended;
  await sleep(5000);
  const later = await observe(port, path, 3);
  const after = memory(pid);
  const problems = [
    ...(child.exitCode !== null || child.signalCode !== null ? ['it ended'] : []),
    ...(seen.answered < bars.answered ? [`${(100 * seen.answered).toFixed(0)} % answered`] : []),
    ...(seen.stallMs > bars.stallMs ? [`a stall of ${seen.stallMs.toFixed(0)} ms`] : []),
    ...(later.answered < 1 ? ['it does not recover'] : []),
    ...(after > bars.memory * before ? [`memory stays at ${after.toFixed(0)} MB, after ${before.toFixed(0)} MB`] : []),
  ];
  const share = `${(100 * seen.answered).toFixed(1)} % of ${seen.sent} in ${budgetMs} ms`;
  const stalls = [quiet, seen, later].map(({ stallMs }) => stallMs.toFixed(0)).join(' → ');
  const sizes = [before, peak, after].map((size) => size.toFixed(0)).join(' → ');
  console.log(`${attack}: ${share}; slowest ${stalls} ms; memory ${sizes} MB${problems.length > 0 ? '; MISSED' : ''}`);
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(root, { recursive: true, force: true });
  return problems.map((problem) => `${attack}: ${problem}`);
}

async function main(): Promise<void> {
  const group = limitedGroup();
  console.log(group === null ? 'no memory limit: no control group can be created' : 'memory limit: 512 MiB');
  const failures: string[] = [];
  for (const attack of options.only.split(',').filter((name) => Object.hasOwn(attackers, name)))
    failures.push(...(await trial(attack, group, Number(options.seconds))));
  if (group !== null) rmdirSync(group);
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

if (options.files !== undefined) {
  const hosted = new HostedArtifacts({ uploads: options.files });
  console.log((await serveArtifacts(hosted, { host: '127.0.0.1', port: 0, token })).url);
} else if (options.attack !== undefined) {
  console.log('attacking');
  await attackers[options.attack](JSON.parse(options.target) as never);
} else await main();
