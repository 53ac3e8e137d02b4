import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import type { Terminal } from './output/terminal.js';

/** What a verb is made of; `Args` follows from `options`. */
interface CommandSpec<Args> {
  /** As yargs takes it: `show <workdir> <trial>`. */
  readonly usage: string;
  readonly summary: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  readonly options: (yargs: Argv) => Argv<Args>;
  readonly run: (args: ArgumentsCamelCase<Args>, terminal: Terminal) => Promise<void> | void;
}

/** A verb of the command, or a group of verbs. */
export interface Command {
  readonly name: string;
  /** The verbs of a group; none of a verb. */
  readonly commands: readonly Command[];
  readonly register: (yargs: Argv, terminal: Terminal) => Argv;
}

/** Makes a verb of its parts. */
export const command = <Args>({ usage, summary, examples, options, run }: CommandSpec<Args>): Command => ({
  name: usage.split(' ')[0],
  commands: [],
  register: (yargs, terminal) =>
    yargs.command(
      usage,
      summary,
      (y) => options(y).example(examples.map(([line, meaning]) => [`$0 ${line}`, meaning] as [string, string])),
      async (args) => {
        await run(args, terminal);
      },
    ),
});

/** Verbs under a common word: `nas latency measure`, `nas latency fit`. */
export const group = (name: string, summary: string, commands: readonly Command[]): Command => ({
  name,
  commands,
  register: (yargs, terminal) =>
    yargs.command(`${name} <command>`, summary, (y) =>
      commands
        .reduce((inner, verb) => verb.register(inner, terminal), y)
        .demandCommand(
          1,
          1,
          `nas ${name} needs to be told what to do: ${commands.map((verb) => verb.name).join(', ')}`,
        ),
    ),
});

/** `--json` where results are printed. */
export const jsonOption = {
  type: 'boolean',
  default: false,
  describe: 'Print the result as JSON',
} as const satisfies Options;

/** `--set key.path=value`, any number of times. */
export const setOption = {
  type: 'string',
  array: true,
  nargs: 1,
  default: [] as string[],
  describe: 'Change a value of the experiment: key.path=value (YAML), may be repeated',
} as const satisfies Options;

/** `--accept-environment` where a run may go on. */
export const acceptEnvironmentOption = {
  type: 'boolean',
  default: false,
  describe: 'Go on although the card that trained is gone, or latency is now measured otherwise than before',
} as const satisfies Options;

/** `--workers` where a run goes. */
export const workersOption = {
  type: 'string',
  describe: 'Who does the work: pool (this machine), or the address of a queue of workers (redis://...)',
} as const satisfies Options;

/** `--ui` where a run goes. */
export const uiOption = {
  type: 'boolean',
  default: false,
  describe: 'Show the run in a browser while it goes, at the address that is printed',
} as const satisfies Options;

/** Waits for Ctrl-C, or for the system to end the process. */
export const untilStopped = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
