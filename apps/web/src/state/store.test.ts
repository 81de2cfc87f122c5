import { describe, expect, it } from 'vitest'
import { createViewStore, type AddressBar } from './store.ts'

const bar = (hash = '#/r/a/dynamics') => {
  const state = { hash, now: 0, pushed: 0, replaced: 0, changed: () => {}, waiting: [] as (() => void)[] }
  const address: AddressBar = {
    hash: () => state.hash,
    replace: next => {
      state.hash = next
      state.replaced++
    },
    push: next => {
      state.hash = next
      state.pushed++
    },
    listen: changed => {
      state.changed = changed
      return () => {}
    },
    later: run => {
      state.waiting.push(run)
    },
    now: () => state.now,
  }
  return {
    state,
    address,
    settle: () => {
      for (const run of state.waiting.splice(0)) run()
    },
  }
}

describe('the view', () => {
  it('follows the address, and the address follows it', () => {
    const { state, address, settle } = bar()
    const store = createViewStore(address)
    store.set({ step: 12 })
    settle()
    expect(state.hash).toBe('#/r/a/dynamics?s=12')
    state.hash = '#/r/a/probes?s=3&nonsense'
    state.changed()
    expect(store.view.value).toMatchObject({ page: 'probes', step: 3 })
    expect(store.unknown.value).toEqual(['nonsense'])
  })

  it('writes the address once for many changes, and a new entry for another page', () => {
    const { state, address, settle } = bar()
    const store = createViewStore(address)
    for (let step = 0; step < 50; step++) store.set({ step })
    settle()
    expect(state.replaced).toBe(1)
    expect(state.pushed).toBe(0)
    store.set({ page: 'probes' })
    expect(state.pushed).toBe(1)
  })

  it('undoes and redoes; a drag is one change', () => {
    const { state, address } = bar()
    const store = createViewStore(address)
    store.set({ metric: 'entropy' })
    for (let step = 0; step < 20; step++) {
      state.now += 50
      store.set({ step })
    }
    state.now += 5000
    store.set({ step: 99 })
    store.undo()
    expect(store.view.value.step).toBe(19)
    store.undo()
    expect(store.view.value).toMatchObject({ step: undefined, metric: 'entropy' })
    store.undo()
    expect(store.view.value.metric).toBe('logp')
    expect(store.undo()).toBe(false)
    store.redo()
    store.redo()
    expect(store.view.value.step).toBe(19)
    store.set({ step: 1 })
    expect(store.redo()).toBe(false)
  })
})
