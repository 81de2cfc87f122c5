import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// One project a package, named as the package's folder is published. Packages resolve to their sources
// (the `@ldyn/source` condition), so that tests need no build and never see a stale one.
const root = fileURLToPath(new URL('.', import.meta.url))
const conditions = ['@ldyn/source', 'node', 'import', 'default']
const folders = ['packages', 'apps'].flatMap(group =>
  readdirSync(root + group).filter(name => !name.startsWith('.')).map(name => `${group}/${name}`))

const project = (folder: string, include: string[]) => ({
  extends: true as const,
  root: root + folder,
  // A software GPU takes seconds to compile a kernel, and minutes where the machine is busy; a browser on two slow
  // cores beside another takes several times as long. A wait ends as soon as what is waited for is there.
  test: {
    ...{ name: nameOf(folder), include, hookTimeout: 240_000, expect: { poll: { timeout: 30_000 } } },
    testTimeout: folder === 'tests' || folder.endsWith('webgpu') ? 300_000 : 240_000,
  },
})

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    maxWorkers: 2,
    projects: [
      ...folders.map(folder => project(folder, ['{src,test}/**/*.test.ts'])),
      project('tests', ['**/*.test.ts']),
    ],
  },
})

function nameOf(folder: string): string {
  if (folder === 'tests') return '@ldyn/tests'
  return folder === 'apps/cli' ? 'ldyn' : `@ldyn/${folder.split('/')[1]}`
}
