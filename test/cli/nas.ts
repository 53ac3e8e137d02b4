import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import picocolors from 'picocolors';
import { expect } from 'vitest';
import { exitCodes } from '../../base/errors.js';
import { builtModule } from '../../base/processes.js';
import type { Command } from '../../cli/command.js';
import { runCommand } from '../../cli/run-command.js';
import { hasRun } from '../../runner/stored/workdir.js';

export const main = fileURLToPath(builtModule('cli/main.js'));

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

/** Runs a command line inside this process; does not catch the help that yargs prints. A refused `run` is refused by `validate`. */
export async function nasInside(args: readonly string[], own?: Command): Promise<Ended> {
  const ended = await inside(args, own);
  const [verb, file, ...options] = args;
  if (verb !== 'run' || ended.code === 0 || args.includes('--json')) return ended;
  const set = options.flatMap((option, i) => (options[i - 1] === '--set' ? [option] : []));
  const workdir = options.includes('--workdir') ? options[options.indexOf('--workdir') + 1] : file;
  await requireSameRefusal({ file, set, workdir, code: ended.code, says: ended.err.slice(ended.err.indexOf('nas: ')) });
  return ended;
}

/** Requires that a command prints these words as an error, and nothing else. @returns the error */
export async function expectRefusal(ended: Ended | Promise<Ended>, says: string | RegExp, code = 2): Promise<string> {
  const { code: found, out, err } = await ended;
  expect(err).toMatch(says);
  expect({ code: found, out }).toEqual({ code, out: '' });
  return err;
}

/** Runs a command line that succeeds inside this process. @returns what it prints */
export async function nasOut(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await nasInside(args);
  expect({ args, code, err }).toEqual({ args, code: 0, err });
  return out;
}

async function inside(args: readonly string[], own?: Command): Promise<Ended> {
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

/** A refusal of `nas run`. */
interface Refused {
  readonly file: string;
  readonly set: readonly string[];
  readonly workdir: string;
  readonly code: number;
  /** The error. */
  readonly says: string;
}

/** What only `nas run` refuses: the folder that it writes into, who evaluates networks, and an option of its own. */
const runsAlone =
  /cannot be written|which --fresh removes|its networks are evaluated elsewhere|--minutes|is given \d times/;

/** Gives what `nas run` refused before it wrote anything to `nas validate`, which must refuse it with the same words. */
export async function requireSameRefusal({ file, set, workdir, code, says }: Refused): Promise<void> {
  if (code === exitCodes.interrupted || hasRun(workdir) || runsAlone.test(says)) return;
  const validated = await inside(['validate', file, ...set.flatMap((assignment) => ['--set', assignment])]);
  expect(validated).toMatchObject({ code, out: '', err: expect.stringContaining(says) as string });
}
