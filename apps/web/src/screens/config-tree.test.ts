import type { Json } from '@ldyn/runs'
import { expect, it } from 'vitest'
import { chosenOf, createSearch, differences, flatten } from './config-tree.ts'

const config: { readonly [key: string]: Json } = {
  lr: 5e-7,
  stages: [
    { name: 'sft', targets: ['chosen', 'rejected'] },
    { name: 'dpo', beta: 0.1 },
  ],
  note: null,
}

it('settings are leaves under their paths, lists of plain values one of them', () => {
  expect(flatten(config).map(({ path, text }) => `${path}=${text}`)).toEqual([
    'lr=5e-7',
    'stages.0.name=sft',
    'stages.0.targets=chosen, rejected',
    'stages.1.name=dpo',
    'stages.1.beta=0.1',
    'note=null',
  ])
  expect(flatten({})).toEqual([])
})

it('somebody made those that the run does not say are defaults; of a run that says nothing it is not known', () => {
  const chosen = chosenOf(flatten(config), ['lr', 'stages.1.beta', 'stages.0.targets'])
  expect(chosen?.map(({ path }) => path)).toEqual(['stages.0.name', 'stages.1.name', 'note'])
  expect(chosenOf(flatten(config), undefined)).toBeUndefined()
})

it('all words of a search must be there', () => {
  expect(createSearch('stages name dpo')(flatten(config)).map(({ path }) => path)).toEqual(['stages.1.name'])
})

it('a difference names every run’s value, and that one has none', () => {
  expect(differences([config, { ...config, lr: 1e-6, note: 'x', extra: true }])).toEqual([
    { path: 'lr', values: ['5e-7', '0.000001'] },
    { path: 'note', values: ['null', 'x'] },
    { path: 'extra', values: [undefined, 'true'] },
  ])
})
