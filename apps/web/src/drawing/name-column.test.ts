import { expect, it } from 'vitest'
import { NAME_LEAD, nameColumn, nameWidth } from './chart-look.ts'

const types = [
  { label: 'chosen' },
  { label: 'chosen_gptsemantic', reading: 'rephrased' },
  { label: 'random_permute', reading: 'chosen shuffled' },
]
const around = NAME_LEAD + 6
const many = Array.from({ length: 12 }, (_, i) => ({ label: `chosen_variant_${i}` }))

it('is as wide as its longest name, in a chart of a third of the page too, and cuts none', () => {
  const { room, names } = nameColumn(types, 380)
  expect(room).toBe(Math.ceil(around + nameWidth('chosen_gptsemantic')))
  expect(names!.map(({ text }) => text)).toEqual(types.map(({ label }) => label))
  expect(names!.every(({ reading }) => reading === undefined)).toBe(true)
})

it('has the readings of all lines where there is room for all, else of none', () => {
  expect(nameColumn(types, 950).names!.map(({ reading }) => reading)).toEqual([
    undefined,
    'rephrased',
    'chosen shuffled',
  ])
  const [longer] = nameColumn([...types, { label: 'x', reading: 'words'.repeat(20) }], 950).names!.slice(2)
  expect(longer).toEqual({ text: 'random_permute', reading: undefined })
})

it('has no readings of so many lines that these would run together', () => {
  const crowd = Array.from({ length: 24 }, (_, i) => ({ label: `A type_${i}`, reading: 'words' }))
  expect(nameColumn(crowd, 950).names!.every(({ reading }) => reading === undefined)).toBe(true)
})

it('leaves little room beside letters of runs', () => {
  expect(nameColumn([{ label: 'A' }, { label: 'B' }], 380).room).toBeLessThan(50)
})

it('cuts a name that would take the plot’s room', () => {
  const { room, names } = nameColumn([{ label: 'a'.repeat(80) }], 400)
  expect(room).toBe(168)
  expect(names![0].text).toMatch(/^a+…$/)
  expect(nameWidth(names![0].text)).toBeLessThanOrEqual(room - around)
})

it('leaves many names of a narrow chart to its legend, unless they are short', () => {
  expect(nameColumn(many, 343)).toEqual({ room: 10 })
  expect(nameColumn(many, 600).names).toHaveLength(12)
  expect(nameColumn(many.map((_, i) => ({ label: String(i) })), 343).names).toHaveLength(12)
  expect(nameColumn(types, 280)).toEqual({ room: 10 })
})

it('very many lines are named by their legend alone: no height has room for all', () => {
  const named = (count: number) => nameColumn(Array.from({ length: count }, (_, i) => ({ label: `${i}` })), 950).names
  expect(named(32)).toHaveLength(32)
  expect(named(33)).toBeUndefined()
})
