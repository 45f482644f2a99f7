/** The JSON body of a control request. */

import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { Failure } from '../failure.ts';

const MAX_BODY_BYTES = 64 * 1_024;

/** @throws Failure `usage` */
export async function bodyOf<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new Failure('usage', 'the request is too large');
  }
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new Failure('usage', `the request is not understood: ${z.prettifyError(parsed.error)}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
