import { group, type Command } from '../../command.js';
import { evaluate } from './evaluate.js';
import { fit } from './fit.js';
import { instructions } from './instructions.js';
import { measure } from './measure.js';

const commands: readonly Command[] = [measure, instructions, fit, evaluate];

export const latency = group('latency', 'Measure latency, and fit and judge models that predict it', commands);
