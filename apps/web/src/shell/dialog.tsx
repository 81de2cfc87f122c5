// A dialog over the page: the browser keeps the focus in it, Escape closes it, and the focus goes back where it
// was.
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'

export const Dialog = ({
  open,
  title,
  look,
  close,
  children,
}: {
  open: boolean
  title: string
  look?: 'wide' | 'search'
  close: () => void
  children: ComponentChildren
}) => {
  const element = useRef<HTMLDialogElement>(null)
  const id = useId()
  // At once, so that what is typed next arrives in it.
  useLayoutEffect(() => {
    if (open && !element.current?.open) element.current?.showModal()
    else if (!open) element.current?.close()
  }, [open])
  return (
    <dialog ref={element} class={look} aria-labelledby={id} onClose={close}>
      {/* A dialog that is read begins at its top; the search begins in its field. */}
      <h2 id={id} {...(look !== 'search' && { tabIndex: -1, autofocus: true })}>
        {title}
      </h2>
      {open && children}
    </dialog>
  )
}
