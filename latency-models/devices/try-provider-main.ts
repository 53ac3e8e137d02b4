import { messageOf } from '../../base/errors.js';
import { createSession } from '../../compiler/index.js';
import { randomFeeds } from './random-feeds.js';
import { tinyModel } from './tiny-model.js';

/** The entry of a process that runs a tiny model with one provider, prints why it could not, and ends. */
try {
  const session = await createSession(tinyModel(), { provider: process.argv[2] });
  await session.run(randomFeeds(session, 1));
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 1;
}
