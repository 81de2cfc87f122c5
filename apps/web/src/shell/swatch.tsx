// How a line looks, beside its name: colour, dash and marker, so that colour is never alone.
import type { Look, Marker } from '@ldyn/figures'
import { useApp } from './context.ts'

const marks: Readonly<Record<Marker, string>> = {
  circle: 'M8 4.500a2.500 2.500 0 1 0 .01 0z',
  square: 'M9.700 4.700h4.600v4.600H9.700z',
  triangle: 'M12 3.800l3 5.200H9z',
  diamond: 'M12 3.600L15.400 7 12 10.400 8.600 7z',
}

export const Swatch = ({ look }: { look: Look }) => {
  const colour = look[useApp().dark.value ? 'dark' : 'light']
  return (
    <svg class="swatch" viewBox="0 0 24 14" width="24" height="14" aria-hidden="true">
      <path d="M0 7h24" stroke={colour} stroke-width={look.width} stroke-dasharray={look.dash || undefined} />
      <path
        d={marks[look.marker]}
        fill={colour}
        transform={look.marker === 'circle' ? 'translate(4 0)' : undefined}
      />
    </svg>
  )
}
