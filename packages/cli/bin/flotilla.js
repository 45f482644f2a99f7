#!/usr/bin/env node
// Has to parse on every Node since 12, in order to say what to do on one that is too old: no static imports, old syntax.
const major = Number(process.versions.node.split('.')[0]);

if (major < 24) {
  process.stderr.write(
    `flotilla needs Node 24 or newer, and this is ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer one from https://nodejs.org, or run the command with npx in a project that depends on one.\n',
  );
  process.exitCode = 1;
} else {
  const fs = process.getBuiltinModule('node:fs');
  const path = process.getBuiltinModule('node:path');

  // One cache of compiled code for this command and the processes that it supervises, beside the code that it is of.
  // Elsewhere when that cannot be written: Node and the supervisor have their own places then.
  const parent = path.resolve(import.meta.dirname, '../../..');
  const modules = path.basename(parent) === 'node_modules' ? parent : path.join(parent, 'node_modules');
  try {
    fs.accessSync(modules, fs.constants.W_OK);
    process.env.NODE_COMPILE_CACHE ??= path.join(modules, '.cache', 'flotilla');
  } catch {}
  // A supervisor and its processes load their code with closed compilers (`optimizing-compilers.ts` of the core), and share
  // what was compiled with the same options.
  const closed = process.argv[2] === 'up' ? ['--turbo-filter=~', '--maglev-filter=~'] : [];
  for (const option of closed) process.getBuiltinModule('node:v8').setFlagsFromString(option);
  const { enableCompileCache, getCompileCacheDir } = process.getBuiltinModule('node:module');
  enableCompileCache(process.env.NODE_COMPILE_CACHE);

  // A workspace has the sources, a published package the build.
  const source = new URL('../src/main.ts', import.meta.url);
  const isWorkspace = fs.existsSync(source);
  const main = isWorkspace ? source : new URL('../dist/main.js', import.meta.url);
  const run = () => import(main.href).then((module) => module.main(process.argv.slice(2)));

  const compiled = process.env.NODE_COMPILE_CACHE && getCompileCacheDir();
  if (process.argv[2] === 'up' && compiled && !fs.existsSync(`${compiled}.done`)) {
    const name = `./supervisor/compile-ahead.${isWorkspace ? 'ts' : 'js'}`;
    const url = process.getBuiltinModule('node:url');
    const compile = [url.fileURLToPath(new URL(name, main)), 'command'].concat(process.argv.slice(3));
    const options = ['--disable-warning=ExperimentalWarning'].concat(closed, compile);
    // What goes wrong with it goes wrong once more in the start itself, where it is told.
    process
      .getBuiltinModule('node:child_process')
      .execFile(process.execPath, options, { timeout: 30000 }, run);
  } else {
    run();
  }
}
