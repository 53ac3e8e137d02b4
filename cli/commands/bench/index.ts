import { group, type Command } from '../../command.js';
import { benchSearch } from './search.js';
import { benchTrain } from './train.js';

const commands: readonly Command[] = [benchSearch, benchTrain];

export const bench = group('bench', 'Compare controllers on tables of results, and time training', commands);
