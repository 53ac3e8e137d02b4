import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

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
    'search.population=2',
    // Each further worker is a process that loads TF.js.
    'search.parallel=1',
    ...(read('search', 'controller') === 'evolution' ? ['search.tournament=2'] : []),
    'train.epochs=1',
    'train.batch=16',
    'train.views=1',
    read('latency', 'budget_ms') === undefined ? 'latency.predictor=none' : 'latency.calibration=4',
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

/** A Python with ONNX Runtime; undefined when there is none. */
export const findPython = (): string | undefined =>
  ['python3', '/usr/bin/python3'].find((python) => spawnSync(python, ['-c', 'import onnxruntime']).status === 0);

export interface ShellOptions {
  readonly folder: string;
  readonly python: string | undefined;
}

/** Runs commands in a shell until the first failure. @returns their output */
export function runShell(commands: string, { folder, python }: ShellOptions): Promise<string> {
  const text = shortened(commands, folder).replaceAll(/^python3 /gm, `${python ?? 'python3'} `);
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    NAS_CACHE: join(folder, 'cache'),
  };
  return new Promise((resolve, reject) => {
    const shell = spawn(
      'bash',
      ['-euo', 'pipefail', '-c', `trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${text}`],
      {
        cwd: folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let [out, err] = ['', ''];
    shell.stdout.on('data', (data: Buffer) => (out += data.toString()));
    shell.stderr.on('data', (data: Buffer) => (err += data.toString()));
    shell.on('error', reject);
    shell.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`exit code ${code ?? 'none'} of\n${text}\n${out}\n${err}`));
    });
  });
}
