import { group, type Command } from '../../command.js';

const commands: readonly Command[] = [];

export const bench = group('bench', 'Compare controllers on tables of results, and time training', commands);
