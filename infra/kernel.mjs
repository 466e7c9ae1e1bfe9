/**
 * Builds libs/matcher/src/kernel.modules.ts from the WebAssembly text in libs/matcher/kernel: `npm run kernel`. The same text
 * and the same pinned assembler give the same bytes; a spec builds them again and compares.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import wabtOf from 'wabt';

const root = join(import.meta.dirname, '..');
const features = { simd: true, threads: true, relaxed_simd: true };

/** The TypeScript that holds the built modules: what is imported comes along into workers and builds by itself. */
export async function kernelModules() {
  const wabt = await wabtOf();
  const built = globSync('libs/matcher/kernel/*.wat', { cwd: root })
    .sort()
    .map((file) => {
      const module = wabt.parseWat(file, readFileSync(join(root, file), 'utf8'), features);
      module.validate(features);
      const bytes = Buffer.from(module.toBinary({ write_debug_names: false }).buffer);
      module.destroy();
      return [basename(file, '.wat').replace(/-(.)/, (_, letter) => letter.toUpperCase()), bytes.toString('base64')];
    });
  const lines = built.map(([name, text]) => `  ${name}:\n    '${text}',`);
  return `// Generated from libs/matcher/kernel: npm run kernel.

/** WebAssembly modules by name, as base64. */
export const kernelModules = {
${lines.join('\n')}
} as const;
`;
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(join(root, 'libs/matcher/src/kernel.modules.ts'), await kernelModules());
}
