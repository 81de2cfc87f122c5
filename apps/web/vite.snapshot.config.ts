// The template of a snapshot (src/snapshot/format.ts), and the parts that it may carry (src/snapshot/parts): see
// build/one-file.ts. The page itself has at most 140 KB gzipped.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import { oneFile } from './build/one-file.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** What stands elsewhere: in a part, whose place it takes, or nowhere, since only a viewer that serves runs does it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'screens/kernel/kernel-view.tsx': 'parts/kernel-place.tsx',
  'screens/lab/lab-page.tsx': 'parts/lab-place.tsx',
  'screens/lab/lab-gpt.tsx': 'parts/gpt-place.tsx',
  'screens/figures/figures-gallery.tsx': 'parts/figures-place.tsx',
  'screens/runs/empty.tsx': 'without/no-runs.ts',
  'shell/page/drop-zone.tsx': 'without/drop-zone.ts',
  'shell/keys/key-table.tsx': 'without/key-table.tsx',
  'data/far-curves.ts': 'without/far-curves.ts',
  'panels/making.ts': 'without/making.ts',
  'lab/gpt/replay.ts': 'without/replay.ts',
  // Of @ldyn/formats.
  'bytes/impostor.ts': 'without/impostor.ts',
}
const elsewhere: Plugin = {
  name: 'ldyn-elsewhere',
  enforce: 'pre',
  resolveId: (id, importer) => {
    // The parts have what the page has not.
    if (!importer || !id.startsWith('.') || importer.includes('/src/snapshot/parts/')) return undefined
    const path = join(dirname(importer), id)
    const found = Object.keys(ELSEWHERE).find(tail => path.endsWith(`/src/${tail}`))
    return found && here(`src/snapshot/${ELSEWHERE[found]}`)
  },
}

/**
 * One script fetches nothing: what would be fetched is imported at once. Else the bundler keeps every module apart in a
 * function of its own, lest one runs before it is asked for, and the script is a tenth larger.
 */
const atOnce: Plugin = {
  name: 'ldyn-at-once',
  enforce: 'pre',
  transform(code, id) {
    if (!/\/src\/.*\.tsx?$/.test(id)) return undefined
    const paths: string[] = []
    const found = code.replace(/(?<!typeof )\bimport\('(\.[^']+)'\)/g, (_, path: string) => {
      paths.push(path)
      return `Promise.resolve(fetched${paths.length - 1})`
    })
    const imports = paths.map((path, i) => `import * as fetched${i} from '${path}'`)
    return paths.length === 0 ? undefined : { code: `${imports.join('\n')}\n${found}`, map: null }
  },
}

/**
 * Elements are made with Preact's `h`, whose children stand where the other compiler's helper has them named: a
 * hundredth of the script, which is mostly elements.
 */
const briefElements: Plugin = {
  name: 'ldyn-brief-elements',
  enforce: 'pre',
  transform: (code, id) =>
    id.endsWith('.tsx')
      ? { code: `import { h as element_, Fragment as fragment_ } from 'preact'\n${code}`, map: null }
      : undefined,
}

export default defineConfig({
  root: here('.'),
  // The same page wherever it is built, tests included.
  oxc: { jsx: { runtime: 'classic', pragma: 'element_', pragmaFrag: 'fragment_', development: false } },
  resolve: { conditions: ['@ldyn/source', 'module', 'browser', 'import', 'default'] },
  // What only a served page does (making snapshots) is left out by this.
  define: { 'import.meta.env.SNAPSHOT': 'true' },
  plugins: [elsewhere, atOnce, briefElements, oneFile(here('snapshot.html'), 'page')],
  // A classic script: a module worker does not start from file:// (ux.md §5.10).
  worker: { format: 'iife' },
  build: {
    outDir: here('dist/app'),
    emptyOutDir: false,
    copyPublicDir: false,
    target: 'es2023',
    // A part brings its own.
    cssCodeSplit: true,
    modulePreload: false,
    assetsInlineLimit: Infinity,
    reportCompressedSize: false,
    rolldownOptions: {
      // Each part imports the page, so that whatever they share is in the page's script.
      input: {
        page: here('src/snapshot/main.tsx'),
        kernel: here('src/snapshot/parts/kernel.ts'),
        figures: here('src/snapshot/parts/figures.ts'),
        lab: here('src/snapshot/parts/lab.ts'),
        gpt: here('src/snapshot/parts/gpt.ts'),
      },
      // Vite's helper for fetched parts asks where it is, and here nothing is fetched.
      checks: { emptyImportMeta: false },
      optimization: { inlineConst: { mode: 'all', pass: 3 } },
      output: { format: 'es', entryFileNames: '[name].js' },
    },
  },
})
