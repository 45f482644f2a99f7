/** How long a request may take: the gateway's deadline, which `X-Request-Timeout` (milliseconds) can only shorten. */
import { badParameter, Refusal } from '../refusal.ts';

/** @throws Refusal `invalid_argument` for a header that is not a positive whole number. */
export function requestDeadlineMs(header: string | undefined, deadlineMs: number): number {
  if (header === undefined) return deadlineMs;
  if (!/^[1-9][0-9]{0,8}$/.test(header)) {
    throw badParameter('header', 'x-request-timeout', 'must be a positive whole number of milliseconds');
  }
  return Math.min(Number(header), deadlineMs);
}

/** @throws Refusal `deadline_exceeded` when `work` takes longer than `ms`; it goes on unheard. */
export async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Refusal('deadline_exceeded', 'the time for this request has run out')),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
