// One of several, with its name before it: the switch that stands over figures everywhere.
interface Props<T extends string | number> {
  readonly label: string
  readonly value: T | undefined
  /** What can be chosen, and what it is called where that is another word. */
  readonly options: readonly (T | readonly [value: T, name: string])[]
  readonly choose: (value: T) => void
  readonly title?: string
}

export const Choice = <T extends string | number>({ label, value, options, choose, title }: Props<T>) => {
  const all = options.map(one => (typeof one === 'object' ? one : ([one, String(one)] as const)))
  return (
    <label title={title}>
      {label}{' '}
      <select
        value={value}
        onChange={({ currentTarget }) => {
          const found = all.find(([one]) => String(one) === currentTarget.value)
          if (found) choose(found[0])
        }}
      >
        {all.map(([one, name]) => (
          <option key={`${one} ${name}`} value={one}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
