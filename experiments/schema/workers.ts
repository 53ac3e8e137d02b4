import { z } from 'zod';
import { hasCredentials } from '../../base/server.js';
import { tagSchema } from '../../latency-models/schema.js';

const queueUrl = z
  .url({ protocol: /^rediss?$/, hostname: /./, error: 'is not an address like redis://10.0.0.5:6379' })
  .refine((url) => !hasCredentials(url), {
    error:
      'names and passwords are not written here, where they would be kept with every run: the name goes to workers.user (or NAS_QUEUE_USER), the password to a file that workers.password_file names (or to NAS_QUEUE_PASSWORD)',
  })
  .describe(
    'of a Redis or Valkey server; with TLS: rediss://. The password is never written here: see docs/many-machines.md',
  );

const artifactsSchema = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$/, 'is not an address like 0.0.0.0:7710')
      .optional()
      .describe('where `nas run` serves files; by default a free port of the address from which it reaches the queue'),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('where workers find it, if that is not where it listens: behind a proxy, in a container'),
  })
  .prefault({})
  .describe('how workers fetch files from `nas run`, and send it theirs');
export type ArtifactsConfig = z.output<typeof artifactsSchema>;

const queueSchema = z
  .strictObject({
    type: z.literal('queue'),
    url: queueUrl,
    user: z.string().optional().describe('ACL user; by default NAS_QUEUE_USER'),
    password_file: z.string().optional().describe('file with the password; by default NAS_QUEUE_PASSWORD holds it'),
    ca_file: z
      .string()
      .optional()
      .describe('certificate of the authority that signed the server, in PEM; for rediss://'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,31}$/)
      .default('nas')
      .describe('begins all keys; workers must have the same'),
    insecure: z.boolean().default(false).describe('whether a server on another machine may be used without a password'),
    tag: tagSchema.optional().describe('only workers with this tag do the jobs'),
    mixed: z
      .boolean()
      .default(false)
      .describe(
        'whether machines whose results differ in the last bits may work on one run; by default only machines with equal results do',
      ),
    artifacts: artifactsSchema,
  })
  .describe('workers of any number of machines (`nas worker`), through a queue');
export type QueueConfig = z.output<typeof queueSchema>;

/** `workers:`; the processes that do a run's jobs. */
export const workersSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('pool') }).describe('processes of this machine'),
  queueSchema,
]);
export type WorkersConfig = z.output<typeof workersSchema>;
