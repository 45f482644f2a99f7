/**
 * `npm run check:dependencies`: which source may import what. Dependencies between packages, and between the folders
 * of the core, point one way, so that every part can be read, tested and replaced without those above it.
 */
import { globSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { findCycles } from './import-cycles.ts';
import { type Import, importsOf } from './imports.ts';

export interface Violation {
  /** Path from the root, and the line of the import. */
  readonly where: string;
  readonly problem: string;
  readonly repair: string;
}

interface Package {
  readonly name: string;
  readonly folder: string;
  readonly exports: ReadonlySet<string>;
  readonly dependencies: ReadonlySet<string>;
  readonly devDependencies: ReadonlySet<string>;
}

interface PackageJson {
  readonly name: string;
  readonly exports?: string | Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Which of our own packages the sources of a package may import; those not named here may import any. */
const ownPackages: Readonly<Record<string, readonly string[]>> = {
  flotilla: [],
  '@flotilla/broker': [],
  '@flotilla/gateway': ['flotilla'],
  '@flotilla/console': ['flotilla'],
  '@flotilla/cli': ['flotilla', '@flotilla/broker', '@flotilla/gateway', '@flotilla/console'],
};

/** Which folders of the core a folder may import. The core's own index may import all of them. */
const coreFolders: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  contract: ['errors'],
  store: ['errors'],
  telemetry: ['errors'],
  messaging: ['errors', 'contract', 'telemetry', 'store', 'discovery'],
  resilience: ['errors', 'contract'],
  balancing: ['errors', 'contract'],
  rpc: ['errors', 'contract', 'telemetry'],
  faults: ['errors', 'contract', 'telemetry', 'rpc'],
  discovery: ['errors', 'contract', 'telemetry', 'rpc'],
  fleet: ['errors', 'contract', 'telemetry', 'rpc', 'discovery', 'resilience', 'balancing', 'faults'],
  service: [
    'errors',
    'contract',
    'telemetry',
    'store',
    'rpc',
    'discovery',
    'resilience',
    'balancing',
    'faults',
    'fleet',
    'messaging',
  ],
  testing: [
    'errors',
    'contract',
    'telemetry',
    'store',
    'messaging',
    'rpc',
    'discovery',
    'faults',
    'fleet',
    'service',
  ],
};

const coreSource = 'packages/core/src/';
const testing = /(\.test\.ts$)|(\.types\.ts$)|(^|\/)(test|testing|conformance|fixtures|bench)\//;

/** Checks every source under `root`. */
export function checkDependencies(root: string): Violation[] {
  const packages = readPackages(root);
  const files = globSync('{packages,exchange,journey,bench,test,scripts}/**/*.{ts,js,mjs}', {
    cwd: root,
    exclude: ['**/node_modules', '**/dist', '**/.flotilla'],
  }).sort();
  const violations: Violation[] = [];
  const graph = new Map<string, Import[]>();
  for (const file of files) {
    const imports = importsOf(readFileSync(join(root, file), 'utf8'));
    graph.set(file, imports);
    for (const found of imports) {
      const fault = found.specifier.startsWith('.')
        ? checkRelative(file, found.specifier, packages)
        : checkPackage(file, found.specifier, packages);
      if (fault) violations.push({ where: `${file}:${found.line}`, ...fault });
    }
  }
  for (const cycle of findCycles(graph)) {
    violations.push({
      where: `${cycle.file}:${cycle.line}`,
      problem: `closes an import cycle: ${cycle.path.join(' → ')}`,
      repair: 'move what both sides need into a file that imports neither',
    });
  }
  return violations;
}

type Fault = Omit<Violation, 'where'>;

function checkRelative(file: string, specifier: string, packages: readonly Package[]): Fault | undefined {
  const target = relative('.', resolve(dirname(file), specifier));
  const from = ownerOf(file, packages);
  const to = ownerOf(target, packages);
  if (from !== to) {
    return {
      problem: `'${specifier}' reaches into ${to.name} by a relative path`,
      repair: `import its public entry point: '${to.name}'`,
    };
  }
  if (/\.test\.ts$/.test(target)) {
    return {
      problem: `imports the test '${specifier}'`,
      repair: 'move what is shared into a file of its own',
    };
  }
  const folder = coreFolderOf(file);
  const targetFolder = coreFolderOf(target);
  if (folder === undefined || targetFolder === undefined || folder === targetFolder || testing.test(file))
    return;
  const allowed = coreFolders[folder];
  if (!allowed || !coreFolders[targetFolder]) {
    return {
      problem: `'${specifier}' links a folder that has no place in the order of the core`,
      repair: `give ${allowed ? targetFolder : folder}/ its place in scripts/dependency-rule.ts`,
    };
  }
  if (allowed.includes(targetFolder)) return;
  return {
    problem: `core/${folder} may not import core/${targetFolder}, only ${allowed.join(', ') || 'itself'}`,
    repair: `move the code to a folder that may, or let ${folder}/ receive it as a parameter`,
  };
}

function checkPackage(file: string, specifier: string, packages: readonly Package[]): Fault | undefined {
  if (isBuiltin(specifier)) return;
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  const from = ownerOf(file, packages);
  const target = packages.find((candidate) => candidate.name === name);
  const inTest = testing.test(file);
  if (target) {
    if (target === from) {
      return { problem: `imports its own package '${name}'`, repair: 'use a relative path' };
    }
    const entry = `.${specifier.slice(name.length)}`;
    if (!target.exports.has(entry)) {
      return {
        problem: `'${specifier}' is not a public entry point of ${name}`,
        repair: `import one of ${[...target.exports].map((path) => `'${join(name, path)}'`).join(', ')}`,
      };
    }
    if (specifier === 'flotilla/testing' && !inTest) {
      return { problem: "only tests may import 'flotilla/testing'", repair: "import 'flotilla'" };
    }
    const allowed = ownPackages[from.name];
    if (allowed && !allowed.includes(name) && !(inTest && from.devDependencies.has(name))) {
      return {
        problem: `${from.name} may not import ${name}, only ${allowed.join(', ') || 'third-party packages'}`,
        repair: 'dependencies point one way: move the code to the package above',
      };
    }
    if (from.folder.startsWith('packages/') && !target.folder.startsWith('packages/')) {
      return {
        problem: `the platform may not import ${name}`,
        repair: 'the platform knows nothing of what runs on it',
      };
    }
    // The root holds no published code: what it needs of the workspaces is linked by npm.
    if (from.folder === '') return;
  }
  if (from.dependencies.has(name)) return;
  const root = packages.find(({ folder }) => folder === '');
  const forTests = from.devDependencies.has(name) || root?.devDependencies.has(name);
  if (forTests && (inTest || from.folder === '')) return;
  return {
    problem: `'${name}' is not declared in ${join(from.folder, 'package.json')}`,
    repair: inTest ? 'declare it under devDependencies' : 'declare it under dependencies, or do without it',
  };
}

function coreFolderOf(file: string): string | undefined {
  if (!file.startsWith(coreSource)) return undefined;
  const rest = file.slice(coreSource.length).split('/');
  return rest.length > 1 ? rest[0] : undefined;
}

/** The package with the nearest package.json. */
function ownerOf(file: string, packages: readonly Package[]): Package {
  return packages.find(({ folder }) => folder === '' || file.startsWith(`${folder}/`))!;
}

function readPackages(root: string): Package[] {
  return globSync(['package.json', '{packages,exchange,journey}/*/package.json', 'bench/package.json'], {
    cwd: root,
  })
    .map((path): Package => {
      const json = JSON.parse(readFileSync(join(root, path), 'utf8')) as PackageJson;
      const { exports = {} } = json;
      return {
        name: json.name,
        folder: dirname(path) === '.' ? '' : dirname(path),
        exports: new Set(typeof exports === 'string' ? ['.'] : Object.keys(exports)),
        dependencies: new Set(
          [json.dependencies, json.peerDependencies, json.optionalDependencies].flatMap((all) =>
            Object.keys(all ?? {}),
          ),
        ),
        devDependencies: new Set(Object.keys(json.devDependencies ?? {})),
      };
    })
    .sort((a, b) => b.folder.length - a.folder.length);
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const violations = checkDependencies(root);
  for (const { where, problem, repair } of violations)
    console.error(`${where}  ${problem}\n  repair: ${repair}`);
  const plural = violations.length === 1 ? 'import breaks' : 'imports break';
  console.log(
    violations.length ? `${violations.length} ${plural} the dependency rule` : 'dependency rule holds',
  );
  process.exitCode = violations.length ? 1 : 0;
}
