/**
 * `npm run pack -- --out DIR`: builds the published packages and writes their tarballs to DIR.
 *
 * In the workspace packages run from their TypeScript sources. A published package has what `tsc` makes of them in
 * `dist`: JavaScript and declarations of the public entry points and all they import, so tests never ship.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');

/** In the order of their dependencies: each is compiled against the declarations of those before it. */
const published = ['core', 'broker', 'gateway', 'cli'];
/** Modules that are started or imported by path, and so are not reached from an entry point. */
const startedByPath: Readonly<Record<string, readonly string[]>> = {
  cli: [
    './src/main.ts',
    './src/supervisor/boot-process.ts',
    './src/supervisor/broker-process.ts',
    './src/supervisor/compile-ahead.ts',
  ],
};

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly devDependencies?: unknown;
}

/** What a package offers to those compiled after it: module name → declaration file. */
type Declarations = Readonly<Record<string, readonly [string]>>;

/**
 * Builds and packs everything.
 *
 * @returns the paths of the tarballs, in the order of their dependencies.
 * @throws when a source does not compile, with the compiler's messages.
 */
export function pack(out: string): string[] {
  mkdirSync(out, { recursive: true });
  // Inside node_modules, so that the compiler finds the dependencies and nothing shows up among the sources.
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, 'flotilla-pack-'));
  try {
    let known: Declarations = {};
    return published.map((folder) => {
      const built = build(folder, join(staging, folder), known);
      known = { ...known, ...built.declarations };
      const [packed] = JSON.parse(
        run('npm', ['pack', '--json', '--pack-destination', out], join(staging, folder)),
      ) as { filename: string }[];
      return join(out, packed!.filename);
    });
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function build(folder: string, stage: string, known: Declarations): { declarations: Declarations } {
  const source = join(root, 'packages', folder);
  const manifest = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')) as Manifest;
  mkdirSync(stage);
  for (const file of ['bin', 'README.md']) {
    if (existsSync(join(source, file))) cpSync(join(source, file), join(stage, file), { recursive: true });
  }
  cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
  const { devDependencies: _, ...publishedManifest } = manifest;
  const exports = Object.entries(manifest.exports);
  writeJson(join(stage, 'package.json'), {
    ...publishedManifest,
    exports: Object.fromEntries(
      exports.map(([name, path]) => [name, { types: inDist(path, '.d.ts'), default: inDist(path, '.js') }]),
    ),
  });
  const entries = [...Object.values(manifest.exports), ...(startedByPath[folder] ?? [])];
  const config = join(stage, 'tsconfig.json');
  writeJson(config, {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      rootDir: join(source, 'src'),
      outDir: join(stage, 'dist'),
      paths: known,
    },
    include: [],
    files: entries.map((entry) => join(source, entry)),
  });
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--project', config], root);
  rmSync(config);
  return {
    declarations: Object.fromEntries(
      exports.map(([name, path]) => [join(manifest.name, name), [join(stage, inDist(path, '.d.ts'))]]),
    ),
  };
}

/** `./src/testing/index.ts` → `./dist/testing/index.js`. */
function inDist(path: string, extension: '.js' | '.d.ts'): string {
  return path.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, extension);
}

function writeJson(path: string, value: object): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}

function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(
      `${command} ${args.join(' ')} failed in ${relative(root, cwd) || '.'}:\n${stdout}${stderr}`,
      {
        cause: error,
      },
    );
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } });
  if (values.out === undefined) {
    console.error('say where the tarballs go: npm run pack -- --out DIR');
    process.exitCode = 2;
  } else {
    for (const tarball of pack(resolve(process.env.INIT_CWD ?? '.', values.out))) console.log(tarball);
  }
}
