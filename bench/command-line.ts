import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from '../cli/command.js';
import { processTerminal } from '../cli/output/terminal.js';
import { runCommand } from '../cli/run-command.js';

/** Runs a command with the arguments of the process, when the process began with the module at `url`: an npm script. */
export async function runAsProgram(url: string, command: Command): Promise<void> {
  const [, main, ...argv] = process.argv;
  if (url !== pathToFileURL(main).href) return;
  process.exitCode = await runCommand(argv, processTerminal(argv, process.env), process.env, {
    name: `npm run bench:${basename(main, '.ts')} --`,
    command,
  });
}
