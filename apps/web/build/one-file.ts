// The page of a snapshot as one HTML file with one classic script, since a page from file:// may load neither modules
// nor anything else; and the parts that a snapshot may carry beside it, each a fragment of HTML with a classic script.
//
// The bundler splits them as modules: what a part needs of the page, the page exports. Here `export {x as a}` becomes a
// property of one object, and `import {a as y} from "./page.js"` takes it from there: a part runs behind the page's
// script, on the page's own modules. (No module exports what it assigns to later.)
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseAst, type Plugin, type Rolldown } from 'vite'

/** Where a script leaves what others import of it. */
const MODULES = 'ldynModules'
/** The place in the page's policy for the hashes of parts. */
const HASHES = '<!--ldyn:hashes-->'

const hashOf = (script: string): string => `'sha256-${createHash('sha256').update(script).digest('base64')}'`

/** Scripts by their hashes, and no request at all: whatever a run's texts say, nothing of them runs or leaves. */
const policyOf = (script: string): string =>
  [
    "default-src 'none'",
    `script-src ${hashOf(script)} ${HASHES}`,
    "style-src 'unsafe-inline'",
    'img-src data: blob:',
    'worker-src blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')

/** Neither may end the element that it stands in. */
const inScript = (code: string): string => code.trim().replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
const inStyle = (css: string): string => css.trim().replaceAll('</style', '<\\/style')

type Edit = readonly [from: number, to: number, put: string]
type Name = { readonly type: string; readonly name?: string; readonly value?: unknown }
const nameOf = ({ name, value }: Name): string => name ?? String(value)
const held = (file: string): string => `${MODULES}.${basename(file, '.js')}`

/** A module of the bundler as a classic script. Throws where it does what such a script cannot. */
export const classicScript = (code: string, file: string): string => {
  const edits: Edit[] = []
  for (const node of parseAst(code).body) {
    if (node.type === 'ImportDeclaration') {
      const names = node.specifiers.map(one => {
        if (one.type !== 'ImportSpecifier') throw new Error(`${file} imports something whole: ${one.type}`)
        const [from, to] = [nameOf(one.imported), one.local.name]
        return from === to ? to : `${from}:${to}`
      })
      const from = held(String(node.source.value))
      edits.push([node.start, node.end, names.length === 0 ? '' : `const{${names.join(',')}}=${from};`])
    } else if (node.type === 'ExportNamedDeclaration') {
      if (node.declaration || node.source) throw new Error(`${file} exports otherwise than by a list of names`)
      const names = node.specifiers.map(one => {
        const [from, to] = [nameOf(one.local), nameOf(one.exported)]
        return from === to ? to : `${to}:${from}`
      })
      edits.push([node.start, node.end, names.length === 0 ? '' : `${held(file)}={${names.join(',')}};`])
    } else if (node.type.startsWith('Export')) throw new Error(`${file} exports otherwise than by names`)
  }
  const text = edits.reduceRight((rest, [from, to, put]) => rest.slice(0, from) + put + rest.slice(to), code)
  return `(()=>{"use strict";${text}})()`
}

const styleOf = (chunk: Rolldown.OutputChunk, bundle: Rolldown.OutputBundle): string =>
  [...(chunk.viteMetadata?.importedCss ?? [])]
    .map(name => bundle[name])
    .map(asset => (asset?.type === 'asset' ? String(asset.source) : ''))
    .join('')

/** `template` has the places of policy, style and script; `page` is the entry that it is filled with. */
export const oneFile = (template: string, page: string): Plugin => ({
  name: 'ldyn-one-file',
  enforce: 'post',
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter(one => one.type === 'chunk')
    for (const chunk of chunks) {
      if (!chunk.isEntry) throw new Error(`${chunk.fileName} belongs to several parts: let one of them import another`)
      const isPage = chunk.name === page
      const script = inScript(classicScript(chunk.code, chunk.fileName))
      const code = isPage ? `${MODULES}={};${script}` : script
      const style = inStyle(styleOf(chunk, bundle))
      if (!isPage) {
        const source = `<!--ldyn:part ${hashOf(code)}-->\n<style>${style}</style>\n<script>${code}</script>\n`
        this.emitFile({ type: 'asset', fileName: `snapshot-${chunk.name}.html`, source })
        continue
      }
      const parts: Readonly<Record<string, string>> = {
        '<!--ldyn:policy-->': policyOf(code),
        '<!--ldyn:style-->': style,
        '<!--ldyn:script-->': code,
      }
      // In one pass: what is put in is not searched again.
      const source = readFileSync(template, 'utf8').replace(
        /<!--ldyn:(?:policy|style|script)-->/g,
        place => parts[place],
      )
      this.emitFile({ type: 'asset', fileName: 'snapshot.html', source })
    }
    for (const [name, one] of Object.entries(bundle)) {
      if (one.type === 'chunk' || name.endsWith('.css')) delete bundle[name]
    }
  },
})
