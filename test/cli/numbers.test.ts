import yargs from 'yargs';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../cli/command.js';
import { loadCommands, verbs } from '../../cli/commands/index.js';
import { nasInside } from './nas.js';

interface Numbers {
  /** `latency fit`. */
  readonly words: readonly string[];
  /** Names of the arguments that are given without a name. */
  readonly positionals: readonly string[];
  /** Names of all numbers. */
  readonly names: readonly string[];
  /** Options that must be given, with a value. */
  readonly required: readonly (readonly [name: string, value: string])[];
}

/** What yargs keeps of the options of a command. */
interface Options {
  readonly number: readonly string[];
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
        const { number, choices, demandedOptions } = (parser as unknown as { getOptions(): Options }).getOptions();
        const positionals = [...usage.matchAll(/[<[](\w+)/g)].map(([, own]) => own);
        const required = Object.keys(demandedOptions)
          .filter((name) => !positionals.includes(name))
          .map((name) => [name, choices[name]?.[0] ?? '1'] as const);
        found.push({ words, positionals, names: number, required });
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
        const { code, err } = await nasInside(line(given));
        expect(err).toContain(isPositional ? `${name}: expected a number` : `--${name} ${given}: expected a number`);
        expect(code).toBe(2);
      }
      if (!isPositional) expect((await nasInside(line('1', '2'))).err).toContain(`--${name} is given 2 times`);
    },
  );
});
