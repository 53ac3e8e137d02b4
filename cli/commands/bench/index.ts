import { group, type Command } from '../../command.js';
import { benchTrain } from './train.js';

const commands: readonly Command[] = [benchTrain];

export const bench = group('bench', 'Time training', commands);
