// A screen that throws says so in its place; the page around it lives on.
import { Component, type ComponentChildren } from 'preact'
import { troubleOf } from '../../data/run-store.ts'
import { PanelFrame } from '../panel/frame.tsx'

export class Boundary extends Component<{ children: ComponentChildren; name: string }, { error?: unknown }> {
  override state: { error?: unknown } = {}
  override componentDidCatch(error: unknown): void {
    this.setState({ error })
  }
  override render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <PanelFrame
        model={{
          id: 'screen',
          kind: 'trouble',
          title: this.props.name,
          says: 'This screen met something that it did not expect.',
          trouble: troubleOf(this.state.error),
          retry: () => this.setState({ error: undefined }),
        }}
      />
    )
  }
}
