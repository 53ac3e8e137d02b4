import picocolors from 'picocolors';
import type { Command } from '../../cli/command.js';
import { loadCommands } from '../../cli/commands/index.js';
import type { Terminal } from '../../cli/output/terminal.js';
import { createParser } from '../../cli/run-command.js';
import { page } from './markdown.js';

/** A silent terminal that sets the width of the help. */
const terminal: Terminal = {
  colors: picocolors.createColors(false),
  live: false,
  columns: () => 100,
  out: () => undefined,
  err: () => undefined,
};

/** The help of a command, without trailing spaces. */
async function help(argv: readonly string[]): Promise<string> {
  const { parser } = await createParser(argv, terminal);
  return (await parser.getHelp()).trim().replaceAll(/ +$/gm, '');
}

const block = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;

/** The help of a command and of its subcommands. */
async function sectionsOf(command: Command, words: readonly string[]): Promise<string[]> {
  const line = [...words, command.name];
  const sections = [`${'#'.repeat(line.length + 1)} nas ${line.join(' ')}`, block(await help(line))];
  for (const verb of command.commands) sections.push(...(await sectionsOf(verb, line)));
  return sections;
}

/** docs/commands.md: the help of every command. */
export async function commandsPage(): Promise<string> {
  const sections: string[] = [];
  for (const command of await loadCommands()) sections.push(...(await sectionsOf(command, [])));
  return page(
    '# Commands',
    'What `nas --help` and `nas <command> --help` print. Results go to standard output, everything else to standard error.',
    block(await help([])),
    ...sections,
  );
}
