import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { classicScript } from '../../build/one-file.ts'

/** Runs classic scripts one after the other in one page. */
const run = (...scripts: readonly string[]): Record<string, unknown> => {
  const page: Record<string, unknown> = { told: [] }
  runInNewContext(`ldynModules={};${scripts.join(';')}`, page)
  return page
}

describe('a module as a classic script', () => {
  it('takes what it imports from what the page exported', () => {
    const page = classicScript('const one=1,two=()=>2;told.push("page");export{one as a,two as $,one as default};', 'page.js')
    const part = classicScript('import{a,$ as b}from"./page.js";import"./page.js";told.push(a+b());', 'lab.js')
    expect(run(page, part).told).toEqual(['page', 3])
  })

  it('leaves nothing behind but that', () => {
    const before = Object.keys(run())
    const script = classicScript('const hidden=1;let other=hidden;export{other as o};', 'page.js')
    expect(Object.keys(run(script))).toEqual(before)
    // As a module is, it is strict.
    expect(() => run(classicScript('undeclared=1;', 'page.js'))).toThrow(/not defined/)
  })

  it('touches no text that only looks like an import', () => {
    const script = classicScript('told.push("import{a}from\'./b.js\'",`export{x};`);', 'page.js')
    expect(run(script).told).toEqual(["import{a}from'./b.js'", 'export{x};'])
  })

  it('says which file does what such a script cannot', () => {
    expect(() => classicScript('import*as all from"./page.js";', 'lab.js')).toThrow(/lab\.js imports something whole/)
    expect(() => classicScript('export*from"./page.js";', 'lab.js')).toThrow(/lab\.js exports otherwise/)
    expect(() => classicScript('export const x=1;', 'lab.js')).toThrow(/lab\.js exports otherwise/)
  })
})
