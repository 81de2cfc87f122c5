// Plain JavaScript of this package and of @ldyn/formats in a temporary directory, for tests that need a real
// second process (Node 20 does not run TypeScript).
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const packages = fileURLToPath(new URL('../../', import.meta.url))

const emit = async (from: string, to: string) => {
  const entries = await readdir(from, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter(item => item.isFile() && item.name.endsWith('.ts'))) {
    const path = join(entry.parentPath, entry.name)
    const { outputText } = ts.transpileModule(await readFile(path, 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    })
    const target = join(to, relative(from, path).replace(/\.ts$/, '.js'))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, outputText)
  }
}

/** Emits both packages; scripts in the directory may import './runs/node/index.js' and './example.js'. */
export const emitPackages = async (directory: string): Promise<void> => {
  const formats = join(directory, 'node_modules/@ldyn/formats')
  await emit(join(packages, 'formats/src'), join(formats, 'dist'))
  await emit(join(packages, 'runs/src'), join(directory, 'src'))
  await symlink(join(directory, 'src'), join(directory, 'runs'))
  await emit(join(packages, 'runs/test'), join(directory, 'test'))
  await writeFile(join(directory, 'package.json'), '{"type":"module"}')
  await writeFile(join(formats, 'package.json'), JSON.stringify({
    name: '@ldyn/formats', type: 'module',
    exports: { '.': './dist/index.js', './node': './dist/node/index.js' },
  }))
}
