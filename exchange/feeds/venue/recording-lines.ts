/**
 * The lines of a recording, plain or gzip, as a stream of bounded memory: at any time one chunk of the file and one
 * line are held. Compression is told from the first two bytes, never from the name.
 */

import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { RecordingError } from './recording-error.ts';

/** A REST snapshot of the 5000 levels that Binance gives at most is below 0.4 MB a line. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

export interface RecordedLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * Yields every line, the last one also when the file does not end with a newline. Ends early, without an error, when
 * `signal` aborts. Throws {@link RecordingError} with fault `unreadable`, `empty`, `bad_gzip` or `line_too_long`.
 */
export async function* recordedLines(file: string, signal?: AbortSignal): AsyncGenerator<RecordedLine, void> {
  const compressed = await isGzip(file);
  if (signal?.aborted) return;
  const source = createReadStream(file);
  const bytes: Readable = compressed ? decompress(source) : source;
  const stop = () => bytes.destroy();
  signal?.addEventListener('abort', stop, { once: true });

  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
        number++;
        yield { number, text: data.toString('utf8', start, end) };
        start = end + 1;
      }
      rest = data.subarray(start);
      if (rest.length > MAX_LINE_BYTES) {
        throw new RecordingError(
          file,
          number + 1,
          'line_too_long',
          `the line has more than ${MAX_LINE_BYTES} bytes`,
        );
      }
    }
    if (rest.length > 0) {
      number++;
      yield { number, text: rest.toString('utf8') };
    }
  } catch (error) {
    if (signal?.aborted) return;
    throw explain(file, number + 1, error);
  } finally {
    signal?.removeEventListener('abort', stop);
    source.destroy();
    bytes.destroy();
  }
  if (number === 0 && !signal?.aborted)
    throw new RecordingError(file, undefined, 'empty', 'the recording is empty');
}

async function isGzip(file: string): Promise<boolean> {
  try {
    await using handle = await open(file, 'r');
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } catch (error) {
    throw explain(file, undefined, error);
  }
}

function decompress(source: Readable): Readable {
  const gunzip = createGunzip();
  // Errors of either stream destroy the other and surface from the iteration over gunzip.
  pipeline(source, gunzip, () => {});
  return gunzip;
}

function explain(file: string, line: number | undefined, error: unknown): unknown {
  if (error instanceof RecordingError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  if (code === 'Z_BUF_ERROR') {
    return new RecordingError(file, line, 'bad_gzip', 'the compressed data ends early', error);
  }
  if (code.startsWith('Z_')) {
    return new RecordingError(file, line, 'bad_gzip', `the compressed data is damaged (${text})`, error);
  }
  return new RecordingError(file, line, 'unreadable', `the file cannot be read (${text})`, error);
}
