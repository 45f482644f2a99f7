/**
 * Compiles what `flotilla up` is about to run, in processes that end when they have: `node compile-ahead.js command|processes
 * [arguments of up]`. `bin/flotilla.js` does so on the first start after an installation: until a file beside the cache says
 * that all of it has once been compiled.
 *
 * Node translates TypeScript with a compiler that stays in the memory of a process which has once needed it: 20 MB in each
 * of eleven. What was compiled is found in the cache by all that come after, and they are ready sooner, too.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { childOptions, installedPrograms } from './child-environment.ts';

const [, self = '', role, ...args] = process.argv;
const programs = installedPrograms();

/** Runs modules that do nothing but declare. */
async function load(...modules: readonly string[]): Promise<void> {
  for (const module of modules) await import(pathToFileURL(module).href);
}

/** Loads and compiles a module and all that it imports, and runs none of it: the last of its imports does not exist. */
async function link(module: string): Promise<void> {
  const nothing = `import ${JSON.stringify(pathToFileURL(module).href)}; import { missing } from 'data:text/javascript,';`;
  await import(`data:text/javascript,${encodeURIComponent(nothing)}`).catch(() => {});
}

async function compileCommand(): Promise<void> {
  const own = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const extension = self.endsWith('.ts') ? 'ts' : 'js';
  await load(
    own(`../main.${extension}`),
    own(`../commands/up-foreground.${extension}`),
    own(`./presence.${extension}`),
  );
  await link(programs.broker);
}

async function compileProcesses(): Promise<void> {
  const { gateway, service, boot } = programs;
  await load(service.preload, gateway.preload);
  for (const program of [boot, service.run, gateway.run]) await link(program);
  const { values } = parseArgs({ args, strict: false, options: { config: { type: 'string' } } });
  const { loadFleet } = await import('../config/load.ts');
  const { config } = values;
  const { fleet, directory } = await loadFleet(
    typeof config === 'string' ? config : undefined,
    process.cwd(),
  );
  for (const { entry } of Object.values(fleet.services)) await link(resolve(directory, entry));
}

if (role === 'command') {
  // The two share little, and there is a core for each.
  const other = spawn(process.execPath, [...childOptions('service'), self, 'processes', ...args], {
    stdio: 'ignore',
  });
  const [[status]] = await Promise.all([once(other, 'exit'), compileCommand()]);
  const cache = getCompileCacheDir();
  if (status === 0 && cache !== undefined) writeFileSync(`${cache}.done`, '');
} else {
  await compileProcesses();
}
