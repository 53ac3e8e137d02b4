import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import type { Terminal } from './output/terminal.js';

/** What a verb is made of; `Args` follows from `options`. */
export interface CommandSpec<Args> {
  /** As yargs takes it: `show <workdir> <trial>`. */
  readonly usage: string;
  readonly summary: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  readonly options: (yargs: Argv) => Argv<Args>;
  readonly run: (args: ArgumentsCamelCase<Args>, terminal: Terminal) => Promise<void> | void;
}

/** A verb of the command. */
export interface Command {
  readonly name: string;
  readonly register: (yargs: Argv, terminal: Terminal) => Argv;
}

/** Makes a verb of its parts. */
export const command = <Args>({ usage, summary, examples, options, run }: CommandSpec<Args>): Command => ({
  name: usage.split(' ')[0],
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
