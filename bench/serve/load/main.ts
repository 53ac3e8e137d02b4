// A load generator in a process of its own: told its plan as JSON, it prints the report as one line of JSON.
import { generateLoad } from './generate.js';
import { planSchema } from './plan.js';

process.stdout.write(`${JSON.stringify(await generateLoad(planSchema.parse(JSON.parse(process.argv[2]))))}\n`);
