// The template of a snapshot (src/snapshot/format.ts): the whole page as one HTML file with one classic script, since a
// page from file:// may load neither modules nor anything else. The policy allows that very script by its hash, and no
// request at all: whatever a run's texts say, nothing of them runs and nothing leaves.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import { uplotWithoutCuts } from './build/uplot-cuts.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const policyOf = (script: string): string =>
  [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    "style-src 'unsafe-inline'",
    'img-src data: blob:',
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')

/** Neither may end the element that it stands in. */
const inScript = (code: string): string => code.trim().replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
const inStyle = (css: string): string => css.trim().replaceAll('</style', '<\\/style')

/** What does not fit, where a sentence says where it is; and what only a viewer that serves runs does. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'lab-page.tsx': 'src/snapshot/no-lab.tsx',
  'figures-gallery.tsx': 'src/snapshot/no-figures.tsx',
  'drop-zone.tsx': 'src/snapshot/no-drop-zone.ts',
  'far-curves.ts': 'src/snapshot/no-far-curves.ts',
  'impostor.ts': 'src/snapshot/no-impostor.ts',
}
const leftOut: Plugin = {
  name: 'ldyn-left-out',
  enforce: 'pre',
  resolveId: id => {
    const found = LEFT_OUT[id.slice(id.lastIndexOf('/') + 1)]
    return found === undefined ? undefined : here(found)
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
    id.endsWith('.tsx') ? { code: `import { h as element_, Fragment as fragment_ } from 'preact'\n${code}`, map: null } : undefined,
}

const oneFile: Plugin = {
  name: 'ldyn-one-file',
  enforce: 'post',
  generateBundle(_options, bundle) {
    let [script, style] = ['', '']
    for (const [name, one] of Object.entries(bundle)) {
      if (one.type === 'chunk') script += one.code
      else if (name.endsWith('.css')) style += String(one.source)
      delete bundle[name]
    }
    const code = inScript(script)
    const parts: Readonly<Record<string, string>> = {
      '<!--ldyn:policy-->': policyOf(code),
      '<!--ldyn:style-->': inStyle(style),
      '<!--ldyn:script-->': code,
    }
    // In one pass: what is put in is not searched again.
    const source = readFileSync(here('snapshot.html'), 'utf8').replace(
      /<!--ldyn:(?:policy|style|script)-->/g,
      place => parts[place],
    )
    this.emitFile({ type: 'asset', fileName: 'snapshot.html', source })
  },
}

export default defineConfig({
  root: here('.'),
  // The same page wherever it is built, tests included.
  oxc: { jsx: { runtime: 'classic', pragma: 'element_', pragmaFrag: 'fragment_', development: false } },
  resolve: { conditions: ['@ldyn/source', 'module', 'browser', 'import', 'default'] },
  // What only a served page does (making snapshots, training in the tab) is left out by this.
  define: { 'import.meta.env.SNAPSHOT': 'true' },
  plugins: [uplotWithoutCuts, leftOut, atOnce, briefElements, oneFile],
  build: {
    outDir: here('dist/app'),
    emptyOutDir: false,
    copyPublicDir: false,
    target: 'es2023',
    cssCodeSplit: false,
    modulePreload: false,
    assetsInlineLimit: Infinity,
    reportCompressedSize: false,
    rolldownOptions: {
      input: here('src/snapshot/main.tsx'),
      // Vite's helper for fetched parts asks where it is, and here nothing is fetched.
      checks: { emptyImportMeta: false },
      optimization: { inlineConst: { mode: 'all', pass: 3 } },
      output: { format: 'iife', codeSplitting: false },
    },
  },
})
