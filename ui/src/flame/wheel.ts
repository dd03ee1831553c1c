// The wheel over a timeline, the same in every view of it.
import type { TraceView } from './trace_view'

const ZOOM_PER_PX = 0.004

/**
 * Ctrl or Cmd zooms around `at`; shift, or a sideways wheel, moves a zoomed window. `at` in ns from the start of the trace,
 * `width` of the timeline in pixels. False: it is none of these.
 */
export function wheelOverTime(event: WheelEvent, view: TraceView, at: number, width: number): boolean {
  if (event.ctrlKey || event.metaKey) {
    view.zoomAt(at, Math.exp(-event.deltaY * ZOOM_PER_PX))
    return true
  }
  if (!view.zoomed || (!event.shiftKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY))) return false
  const pixels = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX
  view.pan((pixels / Math.max(1, width)) * (view.window.to - view.window.from))
  return true
}
