import yargs from 'yargs';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../cli/command.js';
import { loadCommands, verbs } from '../../cli/commands/index.js';
import { nasInside, expectRefusal } from './nas.js';

interface Numbers {
  /** `latency fit`. */
  readonly words: readonly string[];
  /** Names of the arguments that are given without a name. */
  readonly positionals: readonly string[];
  /** Names of all numbers. */
  readonly names: readonly string[];
  /** Names of the options with one text. */
  readonly texts: readonly string[];
  /** Options that must be given, with a value. */
  readonly required: readonly (readonly [name: string, value: string])[];
}

/** What yargs keeps of the options of a command. */
interface Options {
  readonly number: readonly string[];
  readonly string: readonly string[];
  readonly array: readonly string[];
  readonly choices: Readonly<Record<string, readonly string[] | undefined>>;
  readonly demandedOptions: Readonly<Record<string, unknown>>;
}

/** The numbers of every command, as its parser knows them. */
async function numbersOf(): Promise<Numbers[]> {
  const found: Numbers[] = [];
  const read = (command: Command, before: readonly string[]): void => {
    const words = [...before, command.name];
    if (command.commands.length > 0) {
      for (const inner of command.commands) read(inner, words);
      return;
    }
    const recorder = {
      command: (usage: string, _summary: string, options: (y: ReturnType<typeof yargs>) => unknown) => {
        const parser = yargs([]);
        options(parser);
        const kept = (parser as unknown as { getOptions(): Options }).getOptions();
        const { number, choices, demandedOptions } = kept;
        const positionals = [...usage.matchAll(/[<[](\w+)/g)].map(([, own]) => own);
        const required = Object.keys(demandedOptions)
          .filter((name) => !positionals.includes(name))
          .map((name) => [name, choices[name]?.[0] ?? '1'] as const);
        const isText = (name: string): boolean =>
          ![...positionals, ...kept.array, ...Object.keys(choices)].includes(name);
        found.push({ words, positionals, names: number, texts: kept.string.filter(isText), required });
      },
    };
    command.register(recorder as never, undefined as never);
  };
  for (const verb of verbs) for (const command of await loadCommands(verb)) read(command, []);
  return found;
}

const commands = await numbersOf();

describe('numbers of the command line', () => {
  it('are known of every command', () => {
    expect(commands.flatMap(({ names }) => names).length).toBeGreaterThan(40);
  });

  it.each(
    commands.flatMap((command) =>
      command.names.map((name) => [`${command.words.join(' ')}, ${name}`, name, command] as const),
    ),
  )(
    '%s: words, infinity and several numbers are refused before anything happens',
    async (_, name, { words, positionals, required }) => {
      const isPositional = positionals.includes(name);
      const others = required.filter(([other]) => other !== name).flatMap(([other, value]) => [`--${other}`, value]);
      const line = (...given: readonly string[]) => [
        ...words,
        ...positionals.map((own) => (own === name ? given[0] : 'nowhere')),
        ...others,
        ...(isPositional ? [] : given.flatMap((value) => [`--${name}`, value])),
      ];
      for (const given of ['abc', 'Infinity']) {
        await expectRefusal(
          nasInside(line(given)),
          isPositional ? `${name}: expected a number` : `--${name} ${given}: expected a number`,
        );
      }
      if (!isPositional) expect((await nasInside(line('1', '2'))).err).toContain(`--${name} is given 2 times`);
    },
  );
});

describe('texts of the command line', () => {
  it.each(commands.filter(({ texts }) => texts.length > 0).map((one) => [one.words.join(' '), one] as const))(
    '%s: an option that is given twice is refused before anything happens',
    async (_, { words, positionals, texts, required }) => {
      for (const name of texts) {
        const others = required.filter(([other]) => other !== name).flatMap(([other, value]) => [`--${other}`, value]);
        const twice = [`--${name}`, 'a', `--${name}`, 'b'];
        await expectRefusal(
          nasInside([...words, ...positionals.map(() => 'nowhere'), ...others, ...twice]),
          / is given \d times: expected one value/,
        );
      }
    },
  );
});
