import { group, type Command } from '../../command.js';
import { benchTrain } from './train.js';

const commands: readonly Command[] = [benchTrain];

export const bench = group('bench', 'Compare controllers on tables of results, and time training', commands);
