/** Whether the ports that a fleet wants are free, and who has them if not. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { codeOf, Failure, messageOf } from '../failure.ts';

export interface WantedPort {
  readonly use: string;
  readonly host: string;
  /** 0 is always free. */
  readonly port: number;
  /** Environment variable that sets it. */
  readonly variable: string;
}

/** @throws Failure `port_taken`, which names every port that cannot be used. */
export async function checkPorts(wanted: readonly WantedPort[]): Promise<void> {
  const found = await Promise.all(
    wanted.map(async (each) => ({ ports: [each], problem: await portProblem(each) })),
  );
  const problems = found.flatMap(({ ports, problem }) => (problem ? [{ ports, ...problem }] : []));
  const [first, second] = wanted.filter((each) => each.port !== 0);
  if (first !== undefined && second !== undefined && first.port === second.port) {
    const message = `port ${first.port} is wanted for ${first.use} and for ${second.use}`;
    problems.push({ ports: [first, second], message, repair: `set ${second.variable} to another` });
  }
  if (problems.length === 0) return;
  throw new Failure('port_taken', problems.map((problem) => problem.message).join('; '), {
    repair: [...new Set(problems.map((problem) => problem.repair))].join('; '),
    data: { ports: problems.flatMap(({ ports }) => ports.map(({ use, port }) => ({ use, port }))) },
  });
}

/** What is wrong with one port, or undefined when it can be listened on. */
export async function portProblem(
  wanted: WantedPort,
): Promise<{ message: string; repair: string } | undefined> {
  const { use, host, port, variable } = wanted;
  if (port === 0) return undefined;
  const error = await tryToListen(host, port);
  if (error === undefined) return undefined;
  if (codeOf(error) === 'EADDRINUSE') {
    const owner = process.platform === 'linux' ? ownerOf(port) : undefined;
    const by = owner === undefined ? '' : ` by ${owner}`;
    return {
      message: `port ${port} (${use}) is taken${by}`,
      repair: `stop the other process or set ${variable}`,
    };
  }
  if (codeOf(error) === 'EACCES') {
    return {
      message: `port ${port} (${use}) needs rights that you do not have`,
      repair: `set ${variable} to a port above 1023`,
    };
  }
  return {
    message: `cannot listen on ${host}:${port} (${use}): ${messageOf(error)}`,
    repair: `set ${variable}, or another host`,
  };
}

function tryToListen(host: string, port: number): Promise<unknown> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The name and pid of the process that listens on a port, as far as this user may see (proc(5)). */
export function ownerOf(port: number): string | undefined {
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)),
  );
  if (inodes.size === 0) return undefined;
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  for (const pid of directory('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = directory(`/proc/${pid}/fd`).some((descriptor) => {
      try {
        return links.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`));
      } catch {
        return false;
      }
    });
    if (holds) return `${commandOf(pid)} (pid ${pid})`;
  }
  return undefined;
}

function listeningInodes(file: string, port: number): string[] {
  const LISTEN = '0A';
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return text(file)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(wanted) === true && fields[3] === LISTEN)
    .flatMap((fields) => fields[9] ?? []);
}

/** Its executable; the name of its main thread where that may not be seen. */
function commandOf(pid: string): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return text(`/proc/${pid}/comm`).trim() || 'a process';
  }
}

function directory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
