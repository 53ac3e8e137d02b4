import { group, type Command } from '../../command.js';
import { fit } from './fit.js';
import { instructions } from './instructions.js';
import { measure } from './measure.js';

const commands: readonly Command[] = [measure, instructions, fit];

export const latency = group('latency', 'Measure latency, and fit models that predict it', commands);
