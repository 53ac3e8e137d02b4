import picocolors from 'picocolors';
import { commands } from '../../cli/commands/index.js';
import type { Terminal } from '../../cli/output/terminal.js';
import { createParser } from '../../cli/run-command.js';
import { page } from './markdown.js';

/** A terminal that only says how wide help is. */
const terminal: Terminal = {
  colors: picocolors.createColors(false),
  live: false,
  columns: () => 100,
  out: () => undefined,
  err: () => undefined,
};

/** Help as it is printed; trailing spaces, which nobody sees, are gone. */
const help = async (argv: readonly string[]): Promise<string> =>
  (await createParser(argv, terminal).getHelp()).trim().replaceAll(/ +$/gm, '');

const block = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;

/** docs/commands.md: the help of every verb. */
export async function commandsPage(): Promise<string> {
  const sections: string[] = [];
  for (const { name } of commands) sections.push(`## nas ${name}`, block(await help([name])));
  return page(
    '# Commands',
    'What `nas --help` and `nas <command> --help` print. Results go to standard output, everything else to standard error.',
    block(await help([])),
    ...sections,
  );
}
