/** One call from the command line: its input, its deadline, its result or the items of its stream. */

import { type EndUser, FlotillaError } from 'flotilla';
import { asMember, awaitService } from '../control/membership.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure, messageOf } from '../failure.ts';

export interface OperationCall {
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
  readonly deadlineMs: number | undefined;
  readonly user: EndUser | undefined;
}

/** @throws Failure `not_found` for an unknown service or operation, `call_failed` with the error that was answered. */
export async function callOperation(
  found: FoundFleet,
  call: OperationCall,
  print: (item: unknown, streamed: boolean) => void,
): Promise<void> {
  const { service, operation, input, user, deadlineMs } = call;
  const name = `${service}.${operation}`;
  await asMember(found, async (membership) => {
    const { member } = membership;
    await awaitService(membership, service);
    try {
      const { operations } = await member.contract(service);
      const document = operations[operation];
      if (document === undefined) {
        throw new Failure('not_found', `${service} has no operation "${operation}"`, {
          repair: `use one of ${Object.keys(operations).join(', ')}`,
        });
      }
      const payload = Buffer.from(JSON.stringify(input));
      const options = {
        ...(user === undefined ? {} : { user }),
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
      };
      if (document.stream) {
        for await (const item of member.stream(service, name, payload, options)) print(parse(item), true);
      } else {
        print(parse((await member.call(service, name, payload, options)).payload), false);
      }
    } catch (error) {
      if (!(error instanceof FlotillaError)) throw error;
      throw answered(name, error);
    }
  });
}

function parse(payload: Buffer): unknown {
  return payload.length === 0 ? undefined : JSON.parse(payload.toString('utf8'));
}

function answered(name: string, error: FlotillaError): Failure {
  // The message of a refused input is made of its data.
  const told = error.data === undefined || error.code === 'invalid_argument';
  const details = told ? '' : ` ${JSON.stringify(error.data)}`;
  return new Failure('call_failed', `${name} answered ${error.code}: ${error.message}${details}`, {
    cause: error,
    data: error.toJSON(),
    ...(error.code === 'unauthenticated'
      ? { repair: 'call on behalf of an end user with --user <subject> --scope <scope...>' }
      : {}),
  });
}

/** @throws Failure `usage` for text that is not JSON. */
export async function parseInput(given: string, stdin: NodeJS.ReadableStream): Promise<unknown> {
  const text = given === '-' ? await textOf(stdin) : given;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('usage', `the input is not JSON: ${messageOf(error)}`, {
      repair: `quote it for the shell, e.g. '{"symbol":"BTC-USD"}', or give - and pipe it in`,
    });
  }
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) text += chunk;
  return text;
}
