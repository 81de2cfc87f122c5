// A release in a copy: changesets bumps all packages to one version, and each tells its users why.
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { published, readManifest, root, run, scratch } from './packages.ts'

const { path: copy, remove } = scratch()
afterAll(remove)

it('a change in one package gives all of them one new version and a changelog', async () => {
  for (const dir of [root, join(root, 'tests'), join(root, 'tests/software-gpu'), ...published.map(one => one.dir)]) {
    const to = join(copy, relative(root, dir))
    mkdirSync(to, { recursive: true })
    cpSync(join(dir, 'package.json'), join(to, 'package.json'))
  }
  cpSync(join(root, '.changeset'), join(copy, '.changeset'), { recursive: true })
  cpSync(join(root, 'pnpm-workspace.yaml'), join(copy, 'pnpm-workspace.yaml'))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  const note = "---\n'@ldyn/tensor': minor\n---\n\nA change that users notice.\n"
  writeFileSync(join(copy, '.changeset', 'try.md'), note)

  const changeset = createRequire(join(root, 'package.json')).resolve('@changesets/cli/package.json')
  await run(process.execPath, [join(dirname(changeset), 'bin.js'), 'version'], { cwd: copy })

  const versions = published.map(({ dir }) => readManifest(join(copy, relative(root, dir))).version)
  expect(new Set(versions).size).toBe(1)
  expect(versions[0]).not.toBe(published[0].manifest.version)
  const changelog = readFileSync(join(copy, 'packages/tensor/CHANGELOG.md'), 'utf8')
  expect(changelog).toContain('A change that users notice.')
})
