import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { importsOf } from './imports.ts';

const specifiers = (source: string) => importsOf(source).map(({ specifier }) => specifier);

describe('importsOf', () => {
  it('finds every form of import', () => {
    assert.deepEqual(
      specifiers(`
        import 'side-effect';
        import whole from "default";
        import * as space from 'namespace';
        import one, { two as three } from 'named';
        import {
          four,
          type Five,
        } from 'many-lines';
        import type { Six } from 'types';
        import type from 'named-type';
        import defer, { from } from 'named-from';
        export * from 'star';
        export * as all from 'star-as';
        export { seven } from 're-export';
        export type { Eight } from 'type-re-export';
        const a = await import('dynamic');
        const b = import.meta.resolve('resolved/path');
        const c = require('common');
        type D = import('in-type').D;
        import data from 'attributes' with { type: 'json' };
      `),
      [
        ...[
          'side-effect',
          'default',
          'namespace',
          'named',
          'many-lines',
          'types',
          'named-type',
          'named-from',
        ],
        ...[
          'star',
          'star-as',
          're-export',
          'type-re-export',
          'dynamic',
          'resolved/path',
          'common',
          'in-type',
        ],
        'attributes',
      ],
    );
  });

  it('knows which imports leave nothing at run time, and their lines', () => {
    assert.deepEqual(
      importsOf("import type { A } from 'a';\n\nimport {\n  b } from 'b';\nexport type * from 'c';"),
      [
        { specifier: 'a', line: 1, typeOnly: true },
        { specifier: 'b', line: 4, typeOnly: false },
        { specifier: 'c', line: 5, typeOnly: true },
      ],
    );
  });

  it('is not misled by text that looks like an import', () => {
    assert.deepEqual(
      specifiers(`
        // import 'comment';
        /* import x from 'block'; */
        const a = "import 'text'";
        const b = \`import 'template' \${ nested(\`\${ { c: 1 } } import 'deep'\`) } import 'tail'\`;
        const d = /import 'regex' ["'\`/]/.test(e) / 2;
        const f = g / 2; // '
        const h = (1) / 2 + ' / ';
        value.import('method'); value.require('method');
        export const from = 'value';
        export { a, b };
        const n = { import: 'key' };
        export type Z = 'z';
        export default 'x';
      `),
      [],
    );
  });

  it('goes on finding imports after a template, a regular expression and a division', () => {
    assert.deepEqual(
      specifiers(
        `const a = \`\${b}'\`; const c = /[/'"]/; const d = e / 2;\nconst f = await import('found');`,
      ),
      ['found'],
    );
  });

  it('agrees with the compiler about the relative imports of this repository', () => {
    const root = resolve(import.meta.dirname, '..');
    const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
    // The compiler lists the files with reasons whether or not they have type errors.
    const { stdout: output } = spawnSync(process.execPath, [tsc, '--noEmit', '--explainFiles', '-p', root], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    const byCompiler = new Set<string>();
    let target = '';
    for (const row of output.split('\n')) {
      const reason = /^ {2,}Imported via ['"](\.[^'"]+)['"] from file '([^']+)'/.exec(row);
      if (reason) byCompiler.add(`${resolve(root, reason[2]!)} → ${resolve(root, target)}`);
      else if (!row.startsWith(' ')) target = row;
    }
    const sources = globSync('{packages,exchange,bench,test,scripts}/**/*.ts', {
      cwd: root,
      exclude: ['**/node_modules'],
    });
    const byUs = new Set<string>();
    for (const file of sources.map((source) => resolve(root, source))) {
      for (const { specifier } of importsOf(readFileSync(file, 'utf8'))) {
        if (specifier.startsWith('.')) byUs.add(`${file} → ${resolve(dirname(file), specifier)}`);
      }
    }
    const known = [...byCompiler].filter((edge) => !edge.includes('/node_modules/'));
    assert.ok(known.length > 5, output.slice(0, 500));
    assert.deepEqual(
      known.filter((edge) => !byUs.has(edge)),
      [],
    );
  });
});
