import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { parse } from 'yaml';
import { nasInside } from '../cli/nas.js';

/** One experiment measures its networks, two predict latencies: the others have MACs in their place. */
function latencySettings(read: (...path: string[]) => unknown): string[] {
  // `nas specialize` keeps the calibration of the run with the supernet.
  if (read('latency', 'budget_ms') !== undefined || read('supernet', 'epochs') !== undefined)
    return ['latency.calibration=4'];
  if (read('name') === 'my-images') return ['latency.predictor=none'];
  const objectives = read('objectives');
  const [score] = Array.isArray(objectives) ? (objectives as unknown[]) : [];
  return [`objectives=[${typeof score === 'string' ? score : 'accuracy'},macs]`];
}

/** Settings that make an experiment as small as possible. */
function tinySettings(experiment: unknown): string[] {
  const has = (key: string): boolean => typeof experiment === 'object' && experiment !== null && key in experiment;
  const read = (...path: string[]): unknown =>
    path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], experiment);
  // Tables need no reduction.
  if (!has('data')) return [];
  return [
    'data.size=16',
    'space.preset=tiny',
    `search.trials=${has('final') ? 2 : 1}`,
    // Each further worker is a process that loads TF.js.
    'search.parallel=1',
    'train.epochs=1',
    'train.batch=16',
    ...latencySettings(read),
    ...(has('final') ? ['final.epochs=1'] : []),
    ...(has('supernet') && read('supernet', 'from') === undefined
      ? ['supernet.epochs=1', 'supernet.networks=1', 'supernet.calibration=32']
      : []),
    ...(read('teacher', 'adapt') === 'all' ? ['teacher.epochs=1'] : []),
    ...(read('teacher', 'type') === 'train' ? ['teacher.epochs=1', 'teacher.batch=16', 'teacher.width=0.25'] : []),
  ];
}

/** Options that make other commands small. */
const tinyNumbers: readonly (readonly [command: RegExp, option: string, value: string])[] = [
  [/^npx nas specialize .*/gm, '--trials', '2'],
  [/^npx nas specialize .*/gm, '--epochs', '1'],
  [/^npx nas shrink .*/gm, '--macs', '80k'],
];

/** The commands with small settings. */
export function shortened(commands: string, folder: string): string {
  const others = tinyNumbers.reduce(
    (text, [pattern, option, value]) =>
      text.replaceAll(pattern, (command) => command.replace(RegExp(`${option} \\S+`), `${option} ${value}`)),
    commands,
  );
  return others.replaceAll(/npx nas run (\S+\.yaml)/g, (command, file: string) => {
    const settings = tinySettings(parse(readFileSync(join(folder, file), 'utf8')));
    return [command, ...settings.map((setting) => `--set ${setting}`)].join(' ');
  });
}

/** A Python with the packages of the recipe; undefined when there is none. */
export const findPython = (): string | undefined =>
  ['python3', '/usr/bin/python3'].find((python) => spawnSync(python, ['-c', 'import onnxruntime, PIL']).status === 0);

export interface ShellOptions {
  readonly folder: string;
  readonly python: string | undefined;
}

/** Runs a command of a shell inside this process. @returns its exit code; files get what it prints */
async function answer(request: string, folder: string): Promise<number> {
  const [cwd, id, ...args] = request.split('\0').slice(0, -1);
  const [ownFolder, ownCache] = [process.cwd(), process.env['NAS_CACHE']];
  process.chdir(cwd);
  process.env['NAS_CACHE'] = join(folder, 'cache');
  try {
    const { code, out, err } = await nasInside(args).catch((error: unknown) => ({
      code: 1,
      out: '',
      err: String(error),
    }));
    writeFileSync(join(folder, 'bin', `${id}.out`), out);
    writeFileSync(join(folder, 'bin', `${id}.err`), err);
    return code;
  } finally {
    process.chdir(ownFolder);
    if (ownCache === undefined) delete process.env['NAS_CACHE'];
    else process.env['NAS_CACHE'] = ownCache;
  }
}

/** Answers `bin/npx nas`, which sends its arguments to a socket in its folder. */
async function answerCommands(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    void textOf(request)
      .then((body) => answer(body, folder))
      .then((code) => response.end(String(code)));
  });
  await once(server.listen(join(folder, 'bin', 'nas.sock')), 'listening');
  return server;
}

/**
 * Runs commands in a shell until the first failure. This process answers those of nas: starting processes would take most of the
 * time. Servers, and commands that are killed, have processes of their own.
 * @returns their output
 */
export async function runShell(commands: string, { folder, python }: ShellOptions): Promise<string> {
  const text = shortened(commands, folder)
    .replaceAll(/^(timeout .*)npx nas/gm, '$1npx process')
    .replaceAll(/^python3 /gm, `${python ?? 'python3'} `);
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    NAS_CACHE: join(folder, 'cache'),
  };
  const server = await answerCommands(folder);
  const script = `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${text}`;
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, [code]] = await Promise.all([
    textOf(shell.stdout),
    textOf(shell.stderr),
    once(shell, 'close') as Promise<[number | null]>,
  ]).finally(() => server.close());
  if (code !== 0) throw new Error(`exit code ${code ?? 'none'} of\n${text}\n${out}\n${err}`);
  return out;
}
