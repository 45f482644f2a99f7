import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { memoryTransport } from './memory-transport.ts';
import { socketTransport } from './socket-transport.ts';
import { transportCases } from './transport-cases.ts';

const directory = mkdtempSync(join(tmpdir(), 'wire-'));
let sockets = 0;

after(() => rmSync(directory, { recursive: true }));

transportCases('TCP', () => ({ transport: socketTransport, address: () => 'tcp://127.0.0.1:0' }));
transportCases('Unix sockets', () => ({
  transport: socketTransport,
  address: () => `unix:${join(directory, `${++sockets}.sock`)}`,
}));
transportCases('memory', () => ({ transport: memoryTransport(), address: () => 'memory:' }));

let lastSize = 0;
const unevenChunks = () => {
  lastSize = (lastSize * 7 + 3) % 4099;
  return lastSize % 5 === 0 ? 1 : lastSize;
};
transportCases('memory in uneven chunks', () => ({
  transport: memoryTransport({ chunkSize: unevenChunks }),
  address: () => 'memory:',
}));
