// What others may run in their tests, with any test runner: `for (const { name, run } of checks) it(name, run)`.
export { ownController, type ControllerModule, type OwnController, type OwnProposal } from '../search/index.js';
export { controllerChecks, type Check } from '../search/testing.js';
