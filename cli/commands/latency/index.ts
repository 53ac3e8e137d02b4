import { group, type Command } from '../../command.js';

const commands: readonly Command[] = [];

export const latency = group('latency', 'Measure latency, and fit and judge models that predict it', commands);
