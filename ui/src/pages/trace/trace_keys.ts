// The keys of the trace page. The views take the arrow keys themselves while they have the focus.
import { keys } from '../../state/keys.svelte'
import type { TraceScreen } from './trace_screen.svelte'

const GROUP = 'Trace'

interface Actions {
  search(): void
  zoomToSpan(): void
  zoomBy(factor: number): void
}

// Call it while a component is set up.
export function useTraceKeys(screen: TraceScreen, actions: Actions): void {
  const flame = () => screen.url.value.view === 'flame'
  const event = () => screen.url.value.view === 'event'
  keys.use(() => {
    if (!screen.view) return []
    const one = (key: string, label: string, run: () => void, hidden = false) => ({ keys: key, group: GROUP, label, run, hidden })
    const views = [
      one('v', 'Waterfall or flame graph', () => screen.setKind(flame() || event() ? 'waterfall' : 'flame')),
      one('w', event() ? 'Waterfall' : 'All as one wide event', () => screen.setKind(event() ? 'waterfall' : 'event')),
      one('r', 'Ask again for the trace', () => screen.tryAgain()),
      one('/', event() ? 'Find in the wide event' : 'Search in the trace', actions.search),
      one('f', 'Search in the trace', actions.search, true),
    ]
    // Its rows are those of a list, which has keys of its own.
    if (event()) return [...views, one('Escape', 'Close the details', () => screen.close())]
    return [
      ...views,
      // In the flame graph these four are directions, which the view knows.
      one('j', flame() ? 'Longest child' : 'Next span', () => move(screen, 'down')),
      one('k', flame() ? 'Parent' : 'Previous span', () => move(screen, 'up')),
      one('l', flame() ? 'Span to the right' : 'Open, first child', () => move(screen, 'right')),
      one('h', flame() ? 'Span to the left' : 'Close, parent', () => move(screen, 'left')),
      one('Enter', 'Details of the span', () => screen.choose(screen.active)),
      one('Escape', 'Close the details, clear the search, whole trace', () => void screen.clear()),
      one('n', 'Next match', () => screen.stepMatch(1)),
      one('N', 'Previous match', () => screen.stepMatch(-1)),
      one('e', 'Next failed span', () => screen.stepFailed(1)),
      one('E', 'Previous failed span', () => screen.stepFailed(-1)),
      one('o', 'Only matches, or all spans', () => screen.toggleOnly()),
      one('x', 'Fold or unfold siblings that are alike', () => void screen.view?.toggleFold(screen.active)),
      one('c', 'Critical path', () => screen.togglePath()),
      one('z', 'Zoom to the span', actions.zoomToSpan),
      one('+', 'Zoom in', () => actions.zoomBy(2)),
      one('=', 'Zoom in', () => actions.zoomBy(2), true),
      one('-', 'Zoom out', () => actions.zoomBy(0.5)),
      one('0', 'Whole trace', () => screen.view?.resetWindow()),
      one(']', 'Expand all', () => screen.arrange((rows) => rows.openAll())),
      one('[', 'Collapse to the first level', () => screen.arrange((rows) => rows.openToDepth(1))),
    ]
  })
}

export type Direction = 'up' | 'down' | 'left' | 'right'

/** What a direction means: in the rows of the waterfall, or among the boxes of the flame graph. */
export function move(screen: TraceScreen, direction: Direction): void {
  if (screen.neighbour) return screen.moveTo(screen.neighbour(screen.active, direction))
  if (direction === 'down') screen.step(1)
  else if (direction === 'up') screen.step(-1)
  else if (direction === 'right') screen.goIn()
  else screen.goOut()
}
