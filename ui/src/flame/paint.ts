// What the canvases share: the colours of the theme, sharp pixels, text that fits. Colours come from the tokens, so that
// a canvas changes with the theme; services have the colours they have everywhere.
import { inkOn, parseColor, seriesIndex, SERIES_COUNT } from '../base/colors'

export interface Palette {
  text: string
  text2: string
  text3: string
  surface: string
  line: string
  lineStrong: string
  accent: string
  accentSoft: string
  error: string
  errorMark: string
  warnMark: string
  sunken: string
  series: string[]
  seriesInk: string[] // what can be read on each
  errorInk: string
  font: string
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const token = (name: string) => style.getPropertyValue(name).trim()
  const series = Array.from({ length: SERIES_COUNT }, (_, i) => token(`--series-${i}`))
  const ink = (color: string) => inkOn(parseColor(color) ?? { r: 0, g: 0, b: 0 })
  return {
    text: token('--text'),
    text2: token('--text-2'),
    text3: token('--text-3'),
    surface: token('--surface'),
    line: token('--grid'),
    lineStrong: token('--line-strong'),
    accent: token('--accent'),
    accentSoft: token('--accent-soft'),
    error: token('--error'),
    errorMark: token('--error-mark'),
    warnMark: token('--warn-mark'),
    sunken: token('--sunken'),
    series,
    seriesInk: series.map(ink),
    errorInk: ink(token('--error-mark')),
    font: token('--font'),
  }
}

/** Calls back when the theme changes; answers how to stop that. */
export function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed)
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
  return () => observer.disconnect()
}

/** The place in the palette of each of a trace's services. */
export function seriesOf(services: string[]): number[] {
  return services.map(seriesIndex)
}

/** Gives a canvas as many pixels as the screen has under it, and a context in CSS pixels. */
export function sizeCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const scale = window.devicePixelRatio || 1
  const [pixelWidth, pixelHeight] = [Math.round(width * scale), Math.round(height * scale)]
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
    canvas.width = pixelWidth
    canvas.height = pixelHeight
    canvas.style.width = `${width}px`
    canvas.style.height = `${height}px`
  }
  const context = canvas.getContext('2d')
  context?.setTransform(scale, 0, 0, scale, 0, 0)
  return context
}

/** Widths of texts in one font, measured once. */
export class TextWidths {
  private readonly known = new Map<string, number>()

  of(context: CanvasRenderingContext2D, text: string): number {
    let width = this.known.get(text)
    if (width === undefined) {
      if (this.known.size > 20000) this.known.clear()
      width = context.measureText(text).width
      this.known.set(text, width)
    }
    return width
  }

  /** The text, cut so that it fits; "" where not even three letters would. */
  fit(context: CanvasRenderingContext2D, text: string, room: number): string {
    const width = this.of(context, text)
    if (width <= room) return text
    const letters = Math.floor((text.length * (room - 8)) / width)
    return letters < 3 ? '' : text.slice(0, letters).trimEnd() + '…'
  }
}

export function roundedRect(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  w: number,
  h: number,
  radius: number,
): void {
  context.beginPath()
  context.roundRect(x, y, w, h, Math.min(radius, w / 2))
  context.fill()
}

/** Runs `draw` once in the next frame, however often it is asked for. */
export class NextFrame {
  private handle = 0

  constructor(private readonly draw: () => void) {}

  ask(): void {
    if (this.handle === 0) {
      this.handle = requestAnimationFrame(() => {
        this.handle = 0
        this.draw()
      })
    }
  }

  cancel(): void {
    cancelAnimationFrame(this.handle)
    this.handle = 0
  }
}
