// Icons as strokes on a grid of 16, in the colour of the text around them. Each stands beside words for screen
// readers.
const paths = {
  table: 'M2 3h12v10H2zM2 6.5h12M2 10h12M6 3v10',
  full: 'M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4',
  link: 'M6.5 9.5l3-3M7 4.5l1.5-1.5a2.5 2.5 0 0 1 4 4L11 8.5M9 11.5L7.500 13a2.500 2.500 0 0 1-4-4L5 7.500',
  save: 'M8 2v8M5 7l3 3 3-3M2.500 12v2h11v-2',
  copy: 'M5 5h8v9H5zM3 11V2h8',
  find: 'M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.300 10.300L14 14',
  theme: 'M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12',
  help: 'M5.500 6a2.500 2.500 0 1 1 3.500 2.300c-.7.300-1 .7-1 1.700M8 12.500v.5',
  back: 'M10 3L5 8l5 5',
  on: 'M6 3l5 5-5 5',
  play: 'M5 3l8 5-8 5z',
  pause: 'M5 3v10M11 3v10',
  follow: 'M2 8h9M8 5l3 3-3 3M14 3v10',
  eye: 'M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 6.500a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3z',
  pin: 'M6 2h4l-.5 5 2.500 2.500H4L6.500 7zM8 9.500V14',
} as const

export type IconName = keyof typeof paths

export const Icon = ({ name }: { name: IconName }) => (
  <svg
    viewBox="0 0 16 16"
    width="16"
    height="16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.4"
    stroke-linejoin="round"
    stroke-linecap="round"
    aria-hidden="true"
  >
    <path d={paths[name]} />
  </svg>
)
