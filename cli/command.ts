import type { ArgumentsCamelCase, Argv, Options } from 'yargs';
import type { Terminal } from './output/terminal.js';

/** Definition of a command; `Args` follows from `options`. */
interface CommandSpec<Args> {
  /** In the syntax of yargs: `show <workdir> <trial>`. */
  readonly usage: string;
  readonly summary: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, meaning: string])[];
  readonly options: (yargs: Argv) => Argv<Args>;
  readonly run: (args: ArgumentsCamelCase<Args>, terminal: Terminal) => Promise<void> | void;
}

export interface Command {
  readonly name: string;
  /** Commands of a group; else empty. */
  readonly commands: readonly Command[];
  readonly register: (yargs: Argv, terminal: Terminal) => Argv;
}

/** Thrown by the parser when it has read all arguments of a command: what is left to do. Not an error. */
export class Parsed {
  constructor(readonly run: () => Promise<void> | void) {}
}

export const command = <Args>({ usage, summary, examples, options, run }: CommandSpec<Args>): Command => ({
  name: usage.split(' ')[0],
  commands: [],
  register: (yargs, terminal) =>
    yargs.command(
      usage,
      summary,
      (y) => options(y).example(examples.map(([line, meaning]) => [`$0 ${line}`, meaning] as [string, string])),
      (args) => {
        // The parser draws the help of each command that it runs, which takes a tenth of a second, though nobody reads it.
        // oxlint-disable-next-line typescript/only-throw-error -- ends the parser
        throw new Parsed(() => run(args, terminal));
      },
    ),
});

/** Commands under a common word: `nas latency measure`, `nas latency fit`. */
export const group = (name: string, summary: string, commands: readonly Command[]): Command => ({
  name,
  commands,
  register: (yargs, terminal) =>
    yargs.command(`${name} <command>`, summary, (y) =>
      commands
        .reduce((inner, verb) => verb.register(inner, terminal), y)
        .demandCommand(1, 1, `nas ${name} needs a subcommand: ${commands.map((verb) => verb.name).join(', ')}`),
    ),
});

/** An option that is off unless it is given. */
export const flag = (describe: string) => ({ type: 'boolean', default: false, describe }) as const satisfies Options;

/** `--json` where results are printed. */
export const jsonOption = flag('Print the result as JSON');

/** Texts of an option that may be repeated. */
export const listOption = { type: 'string', array: true, nargs: 1, default: [] as string[] } as const satisfies Options;

/** `--set key.path=value`, repeatable. */
export const setOption = {
  ...listOption,
  describe: 'Change a value of the experiment: key.path=value (YAML), may be repeated',
} as const satisfies Options;

/** `--data` of commands that read images. */
export const dataOption = {
  type: 'string',
  demandOption: true,
  describe:
    'An experiment file or its data: alone, the folder of a run (its own images), fashion-mnist, or type:path (cifar10, cifar100, image-folder, list, fashion-mnist)',
} as const satisfies Options;

/** `--data` of commands that also read images with boxes. */
export const dataOrBoxesOption = {
  ...dataOption,
  describe: dataOption.describe.replace('(cifar10', '(boxes, cifar10'),
} as const satisfies Options;

/** `--accept-environment` of commands that resume a run. */
export const acceptEnvironmentOption = flag(
  'Resume although the graphics card of the training is missing, or the latency measurement has changed',
);

/** `--accept-data` of commands that resume a run. */
export const acceptDataOption = flag(
  'Resume although images, the teacher or other files that the run reads have changed: begins its next generation of results',
);

export const workersOption = {
  type: 'string',
  describe: 'pool (processes of this machine), or the address of a queue of workers (redis://...)',
} as const satisfies Options;

export const uiOption = flag('Show the run in a browser, at the printed address');
