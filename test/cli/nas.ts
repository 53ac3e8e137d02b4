import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import picocolors from 'picocolors';
import { builtModule } from '../../base/processes.js';
import type { Command } from '../../cli/command.js';
import { runCommand } from '../../cli/run-command.js';

export const main = fileURLToPath(builtModule('../../cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface NasOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the built command in a process. */
export const nas = (args: readonly string[], { cwd, env }: NasOptions = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const inherited = Object.entries(process.env).filter(([name]) => !['FORCE_COLOR', 'NO_COLOR'].includes(name));
    const options = { cwd, env: { ...Object.fromEntries(inherited), ...env }, maxBuffer: 2 ** 28 };
    const child = execFile(process.execPath, [main, ...args], options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

/** Runs a command line inside this process; does not catch the help that yargs prints. */
export async function nasInside(args: readonly string[], own?: Command): Promise<Ended> {
  const texts = { out: '', err: '' };
  const terminal = {
    colors: picocolors.createColors(false),
    live: false,
    columns: () => 80,
    out: (text: string) => void (texts.out += text),
    err: (text: string) => void (texts.err += text),
  };
  return { code: await runCommand(args, terminal, {}, own && { name: 'own', command: own }), ...texts };
}
