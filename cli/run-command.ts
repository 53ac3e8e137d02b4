import yargs, { type Argv } from 'yargs';
import { codeOf, exitCodes, invalidInput, messageOf, NasError } from '../base/errors.js';
import { nasVersion } from '../base/modules.js';
import { didYouMean, separated } from '../base/text.js';
import { Parsed, type Command } from './command.js';
import { loadCommands, verbs } from './commands/index.js';
import { printable, type Terminal } from './output/terminal.js';

interface ErrorStyle {
  /** Prints `{error: {code, message, hint}}`. */
  readonly json: boolean;
  readonly debug: boolean;
}

/** A native module that this Node.js cannot load, in an error or its causes; undefined for other errors. */
export function unloadableModule(error: unknown): NasError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (codeOf(error) !== 'ERR_DLOPEN_FAILED') return unloadableModule(error.cause);
  const path = /[^\s']+\.node\b/.exec(error.message)?.[0] ?? 'a native module';
  const name = /.*node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(path)?.[1];
  const versions = /NODE_MODULE_VERSION (\d+)[^]*NODE_MODULE_VERSION (\d+)/.exec(error.message);
  const why =
    versions === null
      ? error.message
      : `it was built for module version ${versions[1]}, and Node.js ${process.version} needs ${versions[2]}`;
  return new NasError('failure', `${path}: the module cannot be loaded: ${why}`, {
    hint: `Run \`npm rebuild${name === undefined ? '' : ` ${name}`}\` with the Node.js that runs nas.`,
    cause: error,
  });
}

/** Writes an error to `err`, as text or JSON. @returns the exit code */
function reportError(error: unknown, terminal: Terminal, { json, debug }: ErrorStyle): number {
  const known = unloadableModule(error) ?? (error instanceof NasError ? error : undefined);
  const code = known?.code ?? 'failure';
  const message = known?.message ?? `unexpected error: ${messageOf(error)}`;
  const hint = known === undefined ? 'NAS_DEBUG=1 shows where it happened.' : known.hint;
  if (json) terminal.err(`${JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } })}\n`);
  else terminal.err(`nas: ${printable(message)}\n${hint === undefined ? '' : `     ${hint}\n`}`);
  if (debug && error instanceof Error) terminal.err(`${error.stack ?? ''}\n`);
  return exitCodes[code];
}

const usage = '$0 <command>\n\nSearch neural architectures that are accurate and fast on the hardware you have.';

const epilogue = `An experiment is a YAML file: nas init writes one to start from.
Exit codes: 0 done, 1 failure, 2 invalid input, 3 infeasible, 4 workdir in use, 5 inputs changed, 130 interrupted.`;

/** A program of one command. */
export interface Program {
  /** How it is called. */
  readonly name: string;
  readonly command: Command;
}

/** Commands of the past, and what to use instead. */
const removedCommands = new Map([
  ['latency evaluate', 'npm run bench:latency-evaluate, in a clone of the repository'],
  ['bench search', 'npm run bench:search-table, in a clone of the repository'],
  ['bench train', 'npm run bench:train-networks, in a clone of the repository'],
]);

/** Options of the past by their command, and what to use instead. */
const removedOptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  export: {
    compressed: 'gzip and brotli compress files; --to web always writes compressed copies',
    shrunk: 'nas shrink writes a model file itself (-o); nas export takes that file in place of the folder of the run',
  },
  serve: {
    'grpc-port': 'use the Open Inference Protocol over HTTP, with --port',
    'management-token-file': 'files in the folder of models are loaded and unloaded by --watch or SIGHUP',
    otlp: '/metrics has the times of requests and batches; a proxy in front of the server can trace them',
  },
  shrink: { importance: 'the gradient of the loss ranks the channels' },
  workers: { clean: 'files of a run travel over HTTP, and none stay in a shared folder' },
};

/** @throws NasError for arguments of the past, with what to use instead */
function checkArguments([verb, ...rest]: readonly string[]): void {
  for (const [option, instead] of Object.entries(removedOptions[verb] ?? {}))
    if (rest.some((one) => one === `--${option}` || one.startsWith(`--${option}=`)))
      throw invalidInput(`nas ${verb} --${option} was removed: ${instead}`);
  const [folder, trial] = rest;
  if (verb === 'shrink' && /^\d+$/.test(trial))
    throw invalidInput(`nas shrink takes the number of the trial as an option: --trial ${trial}`, {
      hint: `nas shrink ${folder} --trial ${trial} -o small.onnx, with --latency or --macs.`,
    });
}

/** @throws NasError for an unknown command. */
function checkVerb(argv: readonly string[]): void {
  const instead = removedCommands.get(argv.slice(0, 2).join(' '));
  if (instead !== undefined)
    throw invalidInput(`nas ${argv.slice(0, 2).join(' ')} was removed`, { hint: `Use ${instead}.` });
  const verb = argv.at(0);
  if (verb === undefined || verb.startsWith('-')) return;
  const names: readonly string[] = verbs;
  if (names.includes(verb)) return;
  throw invalidInput(`there is no command '${verb}'${didYouMean(verb, names)}`, {
    hint: `The commands are ${names.join(', ')}; nas --help describes them.`,
  });
}

/**
 * @param lists names of the options and arguments that take several values
 * @throws NasError `invalid-input` for an option that is given twice, and for a number that is none: a word or infinity
 */
function checkValues(argv: readonly string[], args: Readonly<Record<string, unknown>>, lists: readonly string[]): true {
  for (const [name, value] of Object.entries(args)) {
    const written = separated(name, '-');
    const option = name.length === 1 ? `-${name}` : `--${written}`;
    if (Array.isArray(value) && ![...lists, '_'].includes(written))
      throw invalidInput(`${option} is given ${value.length} times: expected one value`);
    if (typeof value !== 'number' || Number.isFinite(value)) continue;
    const at = argv.findIndex((one) => one === option || one.startsWith(`${option}=`));
    const given = at < 0 ? [name] : argv.slice(at, argv[at] === option ? at + 2 : at + 1);
    throw invalidInput(`${given.join(' ')}: expected a number`);
  }
  return true;
}

/**
 * The parser for the command that the command line names, or for all commands. Parsing throws what runs the command (`Parsed`).
 * @param own a program of one command, instead of the commands of nas
 */
export async function createParser(
  argv: readonly string[],
  terminal: Terminal,
  own?: Program,
): Promise<{ readonly parser: Argv }> {
  const commands = own === undefined ? await loadCommands(argv.at(0)) : [own.command];
  const parser = commands
    .reduce((y, command) => command.register(y, terminal), yargs([...argv]).scriptName(own?.name ?? 'nas'))
    .usage(own === undefined ? usage : '$0')
    .option('color', { type: 'boolean', default: true, describe: 'Colours; --no-color or NO_COLOR turns them off' })
    .parserConfiguration({ 'parse-positional-numbers': false })
    .version(nasVersion())
    // The parser's texts would follow the user's language, ours are English.
    .locale('en')
    .help()
    .alias('help', 'h')
    .demandCommand(own === undefined ? 1 : 0, 1, 'a command is missing')
    .strict()
    .check((args, { array: lists = [] }: { readonly array?: readonly string[] }) => checkValues(argv, args, lists))
    .wrap(Math.min(110, Math.max(80, terminal.columns() || 100)))
    .epilogue(epilogue)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      if (error !== undefined) throw error;
      const help = commands.length === 1 ? `nas ${commands[0].name} --help` : 'nas --help';
      throw invalidInput(message ?? 'invalid command line', { hint: `${help} shows the usage.` });
    });
  // Wrapped in an object, as awaiting an Argv would parse the arguments.
  return { parser };
}

/** Runs the command of a command line, or prints help or the version. */
async function run(argv: readonly string[], terminal: Terminal, own?: Program): Promise<void> {
  if (own === undefined) {
    checkVerb(argv);
    checkArguments(argv);
  }
  const { parser } = await createParser(argv, terminal, own);
  let command: Parsed;
  try {
    await parser.parseAsync();
    return;
  } catch (thrown) {
    if (!(thrown instanceof Parsed)) throw thrown;
    command = thrown;
  }
  await command.run();
}

/** Runs one command line. @returns the exit code. */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  env: NodeJS.ProcessEnv,
  own?: Program,
): Promise<number> {
  try {
    await run(argv, terminal, own);
    return exitCodes.done;
  } catch (error) {
    return reportError(error, terminal, { json: argv.includes('--json'), debug: (env['NAS_DEBUG'] ?? '') !== '' });
  }
}
