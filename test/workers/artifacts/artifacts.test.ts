import { describeArtifacts } from './describe-artifacts.js';
import { reach, serve } from './hosted.js';

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
