import { RunArtifacts } from '../../../workers/artifacts/run-artifacts.js';
import { temporaryFolder } from '../../support/temporary.js';
import { describeArtifacts } from './describe-artifacts.js';
import { reach, serve } from './hosted.js';

describeArtifacts('a shared folder', () => {
  const path = temporaryFolder();
  const [from, to] = [0, 1].map(() => new RunArtifacts(() => Promise.resolve({ type: 'folder', path })));
  return Promise.resolve({ from, to });
});

describeArtifacts('HTTP, from the coordinator to a worker', async () => {
  const { hosted, server } = await serve();
  return { from: hosted, to: reach(() => server.url) };
});

describeArtifacts('HTTP, from a worker to the coordinator', async () => {
  const { hosted, server } = await serve();
  return { from: reach(() => server.url), to: hosted };
});

describeArtifacts('HTTP, from a worker to another', async () => {
  const { server } = await serve();
  return { from: reach(() => server.url), to: reach(() => server.url) };
});
