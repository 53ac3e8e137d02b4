import type { Redis } from 'ioredis';
import { invalidInput, messageOf } from '../../base/errors.js';
import type { QueueAddress } from './address.js';

/** The oldest Redis that has what the queue's scripts use; Valkey began later. */
const oldest = [6, 2] as const;

/** Policies of `maxmemory-policy` that drop nothing which is still wanted. */
const harmless = 'noeviction';

/** `name:value` lines of INFO. */
const factsOf = (info: string): ReadonlyMap<string, string> =>
  new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );

const isOlder = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
};

/**
 * Looks whether a server, by what it says of itself (INFO), can carry the queue.
 * @returns what people should know although it works
 * @throws NasError `invalid-input` when it cannot
 */
export function judgeServer(info: string, url: string): readonly string[] {
  const facts = factsOf(info);
  const version = facts.get('redis_version');
  // Valkey says which Redis it can replace.
  if (version !== undefined && isOlder(version))
    throw invalidInput(`the queue server at ${url} is Redis ${version}; at least ${oldest.join('.')} is needed`, {
      hint: 'Any Valkey will do.',
    });
  if (facts.get('cluster_enabled') === '1')
    throw invalidInput(`the queue server at ${url} is part of a cluster, over which a queue's keys would be spread`, {
      hint: 'Use a server of its own, with a replica where one is wanted; the queue holds little.',
    });
  if (facts.get('role') === 'slave')
    throw invalidInput(`the queue server at ${url} is a replica, which cannot be written to`, {
      hint: `It copies ${facts.get('master_host') ?? 'a server'}:${facts.get('master_port') ?? '?'}: use that one.`,
    });
  const policy = facts.get('maxmemory_policy') ?? harmless;
  if (policy === harmless) return [];
  return [
    `the queue server drops keys when its memory is full (maxmemory-policy ${policy}), and jobs with them; set it to ${harmless}`,
  ];
}

/**
 * The line of an ACL file that gives a user what the queue needs and no more; for `nas` and the prefix `nas`, in one line:
 *
 *     user nas on >PASSWORD resetkeys ~nas:* resetchannels &nas:* -@all +@read +@write +@scripting +@pubsub +@transaction
 *       +@connection -@dangerous +time +info
 */
export const aclFor = (user: string, prefix: string): string =>
  `user ${user} on >PASSWORD resetkeys ~${prefix}:* resetchannels &${prefix}:* -@all +@read +@write +@scripting +@pubsub ` +
  '+@transaction +@connection -@dangerous +time +info';

/** One of each kind that the queue's scripts use, on a key of its own. */
const tried: readonly (readonly string[])[] = [
  ['set', 'KEY', '1', 'PX', '1000'],
  ['get', 'KEY'],
  ['exists', 'KEY'],
  ['type', 'KEY'],
  ['incr', 'KEY'],
  ['pexpire', 'KEY', '1000'],
  ['pttl', 'KEY'],
  ['hset', 'KEY', 'a', '1'],
  ['hmset', 'KEY', 'a', '1'],
  ['hgetall', 'KEY'],
  ['lpush', 'KEY', '1'],
  ['lpos', 'KEY', '1'],
  ['rpoplpush', 'KEY', 'KEY'],
  ['sadd', 'KEY', '1'],
  ['smembers', 'KEY'],
  ['zadd', 'KEY', '1', '1'],
  ['zrange', 'KEY', '0', '1'],
  ['zpopmin', 'KEY'],
  ['xadd', 'KEY', '*', 'a', '1'],
  ['xtrim', 'KEY', 'MAXLEN', '1'],
  ['xrange', 'KEY', '-', '+'],
  ['rename', 'KEY', 'KEY'],
  ['unlink', 'KEY'],
  ['del', 'KEY'],
  ['time'],
];

/** Tries commands, and returns those that are not allowed. That a key is not of a command's kind does not matter. */
const tryScript = `
local denied = {}
for _, command in ipairs(cjson.decode(ARGV[1])) do
  local name = command[1]
  for i, word in ipairs(command) do if word == 'KEY' then command[i] = KEYS[1] end end
  local result = redis.pcall(unpack(command))
  if type(result) == 'table' and result.err and string.find(string.lower(result.err), 'permission') then
    denied[#denied + 1] = name
  end
end
return denied`;

/** What of a refusal's text says that it is one; in a transaction, it comes with the end of that. */
const refusal = /NOPERM|EXECABORT/;

/** What the user may not use of what the queue needs, as the queue's own keys show it. */
async function missingRights(redis: Redis, prefix: string): Promise<readonly string[]> {
  const key = `${prefix}:probe`;
  const missing: string[] = [];
  const attempt = async (name: string, task: () => Promise<unknown>): Promise<void> => {
    try {
      const result = await task();
      if (name === 'eval' && Array.isArray(result)) missing.push(...result.map(String));
    } catch (error) {
      const text = messageOf(error);
      if (!refusal.test(text)) throw error;
      if (text.includes('access a key')) missing.push(`keys of ${prefix}:`);
      else if (text.includes('access a channel')) missing.push(`channels of ${prefix}:`);
      else missing.push(name);
    }
  };
  await attempt('ping', () => redis.ping());
  await attempt('eval', () => redis.eval(tryScript, 1, key, JSON.stringify(tried)));
  await attempt('multi', () => redis.multi().time().exec());
  await attempt('publish', () => redis.publish(key, ''));
  await attempt('subscribe', () => redis.subscribe(key));
  return [...new Set(missing)];
}

/** INFO, or null where the user may not ask for it. */
async function infoOf(redis: Redis): Promise<string | null> {
  try {
    return await redis.info();
  } catch (error) {
    if (refusal.test(messageOf(error))) return null;
    throw error;
  }
}

/**
 * Looks whether a server can carry the queue, and whether the user may use there what that takes.
 * @param redis of no other use afterwards
 * @returns what people should know although it works
 * @throws NasError `invalid-input` when it cannot, with what to do; the server's own error when it does not answer
 */
export async function examineServer(
  redis: Redis,
  { url, user = 'default', prefix }: QueueAddress,
): Promise<readonly string[]> {
  const info = await infoOf(redis);
  const warnings = info === null ? [] : judgeServer(info, url);
  const missing = [...(info === null ? ['info'] : []), ...(await missingRights(redis, prefix))];
  if (missing.length === 0) return warnings;
  throw invalidInput(
    `the queue server at ${url}: the user ${user} may not use what the queue needs: ${missing.join(', ')}`,
    { hint: `As an ACL file has it: ${aclFor(user, prefix)}` },
  );
}
