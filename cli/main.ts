#!/usr/bin/env node
import { processTerminal } from './output/terminal.js';
import { runCommand } from './run-command.js';

const argv = process.argv.slice(2);
process.exitCode = await runCommand(argv, processTerminal(argv, process.env), process.env);
