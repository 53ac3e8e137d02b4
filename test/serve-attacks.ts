/**
 * Attacks a server in turn (with --together, in all ways at once) from one address, beside a normal load from another one, and reports what the normal load saw. The
 * server has the settings of the Kubernetes example and, where control groups can be created, its memory limit.
 *
 *   npm run test:serve -- --minutes 10 --only "a flood of 500 connections"
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { picture } from './serve/images/pictures.js';
import { attacks } from './serve/attack/attacks.js';
import { greyNetworks, pixelsOf, writeFrontier } from './serve/models.js';

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: Object.keys(attacks).join() },
    together: { type: 'boolean', default: false },
    attack: { type: 'string' },
    port: { type: 'string', default: '0' },
    models: { type: 'string', default: '' },
  },
});

const budgetMs = 100;
const everyMs = 50;
const limitBytes = 512 * 2 ** 20;
const bars = { answered: 0.95, p99: 3, memory: 1.2 } as const;

interface Observed {
  readonly answered: number;
  readonly sent: number;
  readonly p50: number;
  readonly p99: number;
  /** How many were refused, by status; 0: the connection ended. */
  readonly refused: string;
}

/** A control group with the memory limit of the example; null: this machine allows none. */
function limitedGroup(): string | null {
  for (const [root, file] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ]) {
    const group = join(root, `nas-attacks-${process.pid}`);
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

async function startServer(
  models: string,
  group: string | null,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const enter = group === null ? '' : `echo $$ > ${join(group, 'cgroup.procs')}; `;
  const args = [
    'serve',
    models,
    '--port=0',
    '--workers=2',
    `--budget-ms=${budgetMs}`,
    '--drain-ms=0',
    '--watch',
    '--log=error',
  ];
  const child = spawn('sh', ['-c', `${enter}exec "$0" "$@"`, process.execPath, main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '32768' },
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, port: Number(new URL(line).port) };
}

const agent = new Agent({ keepAlive: true });

/** Milliseconds until a request is answered with 200; negative: another status. */
async function ask(port: number, path: string, body: Uint8Array, headers: Record<string, string>): Promise<number> {
  const began = performance.now();
  const sent = httpRequest({
    port,
    path,
    method: 'POST',
    agent,
    headers: { ...headers, 'content-length': body.length },
  });
  sent.end(body);
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await once(response.resume(), 'end');
    return response.statusCode === 200 ? performance.now() - began : -(response.statusCode ?? 0);
  } catch {
    return -0;
  }
}

const image = await picture({ width: 28, height: 28, channels: 1 }).png().toBuffer();

/** The normal load: images and tensors in turn. */
async function observe(port: number, seconds: number): Promise<Observed> {
  const asked: Promise<number>[] = [];
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    asked.push(
      asked.length % 2 === 0
        ? ask(port, '/v1/classify', image, { 'content-type': 'image/png' })
        : ask(port, '/v2/models/frontier/infer', pixelsOf([28, 28, 1], 1), { 'inference-header-content-length': '0' }),
    );
    await sleep(everyMs);
  }
  const results = await Promise.all(asked);
  const refused = new Map<number, number>();
  for (const ms of results) if (ms <= 0) refused.set(-ms, (refused.get(-ms) ?? 0) + 1);
  const times = results.map((ms) => (ms <= 0 ? Infinity : ms)).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  const answered = times.filter((ms) => ms <= budgetMs).length / times.length;
  const counts = [...refused].map(([status, count]) => `, ${count} x ${status}`).join('');
  return { answered, sent: times.length, p50: at(0.5), p99: at(0.99), refused: counts };
}

const megabytes = (pid: number | undefined, field: string): number =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

const text = ({ answered, sent, p50, p99, refused }: Observed): string =>
  `${(100 * answered).toFixed(1)} % of ${sent} in ${budgetMs} ms, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms${refused}`;

async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'nas-attacks-'));
  writeFrontier(root, greyNetworks);
  const group = limitedGroup();
  const { child, port } = await startServer(root, group);
  const names = options.only.split(',');
  const groups = options.together ? [names] : names.map((name) => [name]);
  const seconds = (Number(options.minutes) * 60) / (groups.length + 1);
  const failures: string[] = [];
  console.log(group === null ? 'no memory limit: no control group can be created' : 'memory limit: 512 MiB');
  await observe(port, 2);
  const quiet = await observe(port, Math.max(5, seconds / 2));
  const before = megabytes(child.pid, 'VmRSS');
  console.log(`quiet: ${text(quiet)}; RSS ${before.toFixed(0)} MB`);
  for (const group of groups) {
    const name = options.together ? 'all at once' : group[0];
    const self = [process.execPath, '--import', 'tsx', fileURLToPath(import.meta.url)];
    const attackers = group.map((attack) => {
      const args = ['--attack', attack, '--port', `${port}`, '--models', root];
      return spawn('nice', ['-n', '10', ...self, ...args], { stdio: 'ignore' });
    });
    await sleep(2000);
    const seen = await observe(port, seconds);
    for (const attacker of attackers) attacker.kill('SIGTERM');
    await sleep(500);
    for (const attacker of attackers) attacker.kill('SIGKILL');
    if (child.exitCode !== null || child.signalCode !== null) {
      failures.push(`${name}: the server ended (${String(child.signalCode ?? child.exitCode)})`);
      break;
    }
    console.log(`${name}: ${text(seen)}; RSS ${megabytes(child.pid, 'VmRSS').toFixed(0)} MB`);
    if (seen.answered < bars.answered) failures.push(`${name}: ${text(seen)}`);
    if (seen.p99 > bars.p99 * quiet.p99)
      failures.push(`${name}: p99 is ${(seen.p99 / quiet.p99).toFixed(1)} times that of the quiet server`);
  }
  if (failures.length === 0 || child.exitCode === null) {
    await observe(port, 5);
    const after = megabytes(child.pid, 'VmRSS');
    console.log(`after: RSS ${after.toFixed(0)} MB, peak ${megabytes(child.pid, 'VmHWM').toFixed(0)} MB`);
    if (after > bars.memory * before) failures.push(`RSS grew from ${before.toFixed(0)} to ${after.toFixed(0)} MB`);
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  if (group !== null) rmdirSync(group);
  rmSync(root, { recursive: true });
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

if (options.attack === undefined) await main();
else await attacks[options.attack]({ port: Number(options.port), models: options.models });
