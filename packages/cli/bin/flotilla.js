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
  process.getBuiltinModule('node:module').enableCompileCache();
  // A workspace has the sources, a published package the build.
  const source = new URL('../src/main.ts', import.meta.url);
  const built = new URL('../dist/main.js', import.meta.url);
  const main = process.getBuiltinModule('node:fs').existsSync(source) ? source : built;
  import(main.href).then((module) => module.main(process.argv.slice(2)));
}
