// The tool that is open, in its dialog.
import { tools } from '../../screens/index.ts'
import { useApp } from '../context.ts'
import { Dialog } from '../dialog.tsx'
import { Part } from '../lazy.tsx'

export const OpenTool = () => {
  const app = useApp()
  const tool = tools.find(({ id }) => id === app.tool.value)
  const close = (): void => {
    app.tool.value = undefined
  }
  return (
    <Dialog open={tool !== undefined} title={tool?.title ?? ''} close={close} look="wide">
      {tool && <Part key={tool.id} part={tool} title={tool.title} props={{ app, close }} />}
    </Dialog>
  )
}
