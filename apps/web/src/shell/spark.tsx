// A curve the size of a word. Its numbers stand beside it.
export const SparkLine = ({
  values,
  width = 64,
  height = 18,
  colour = 'currentColor',
}: {
  values: readonly number[]
  width?: number
  height?: number
  colour?: string
}) => {
  if (values.length < 2) return <svg class="spark" width={width} height={height} aria-hidden="true" />
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  const y = (value: number): number =>
    high > low ? height - 2 - ((value - low) / (high - low)) * (height - 4) : height / 2
  const path = values
    .map(
      (value, i) =>
        `${i === 0 ? 'M' : 'L'}${((i / (values.length - 1)) * (width - 2) + 1).toFixed(1)} ${y(value).toFixed(1)}`,
    )
    .join('')
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <path d={path} fill="none" stroke={colour} stroke-width="1.4" />
    </svg>
  )
}
