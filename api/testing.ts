/** Contracts of your own controllers, spaces and evaluations, as checks for any test runner. */
export type { EvaluatorModule } from '../experiments/schema/search-settings.js';
export { evaluatorChecks, spaceChecks } from '../experiments/testing.js';
export { ownController } from '../search/index.js';
export { controllerChecks, type Check } from '../search/testing.js';
