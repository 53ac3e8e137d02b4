import { z } from 'zod';

/** What workers of a queue can be told apart by: `gpu`, `pi5`. */
export const tagSchema = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,31}$/, 'is a word of letters, digits, dots and dashes, at most 32');
