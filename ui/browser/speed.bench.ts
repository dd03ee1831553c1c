// How fast the screens are, in headless Chromium against the real program: `./dev bench ui`. Prints each figure beside its
// target; nothing fails for being slow, since a shared machine says little about speed. bench/budgets.md holds the figures.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { exampleTraffic } from './example'
import { Browser, measureFrames, settled, Sightline, waitUntil, type FrameFigures } from './harness'
import { largeTrace, tracesRequest } from './otlp'

const RUNS = 7
const COUNT = 50_000
const BATCH = 5000
const LARGE = '5'.repeat(32)
const ROW_PX = 28
const FRAMES = 120

let sightline: Sightline
beforeAll(async () => {
  sightline = await Sightline.start()
  await exampleTraffic(sightline, { requests: 300, pastMinutes: 55, seed: 4 })
  await waitUntil(async () => {
    const list = await sightline.ask<{ services: unknown[] }>('/services?last=1h')
    return list !== null && list.services.length > 0
  }, 'the services')
})
afterAll(async () => {
  await sightline?.close()
})

function report(name: string, values: number[], targetMs: number): void {
  const sorted = [...values].sort((a, b) => a - b).map(Math.round)
  const median = sorted[Math.floor(sorted.length / 2)]!
  const missed = median > targetMs ? '   MISSED' : ''
  console.log(`ui  ${name.padEnd(52)} median ${median} ms, ${sorted[0]} to ${sorted.at(-1)}   < ${targetMs}${missed}`)
}

function reportFrames(name: string, { frames, medianMs, longestMs, dropped }: FrameFigures): void {
  console.log(`ui  ${name.padEnd(52)} ${dropped} of ${frames} frames late, median ${medianMs} ms, longest ${longestMs} ms   0 late`)
}

// Notes when a page has shown all that it asked for, for two frames: milliseconds after the navigation began.
async function noteDrawn(page: Page, shown: string): Promise<void> {
  await page.addInitScript((selector) => {
    const state = globalThis as unknown as { drawnMs?: number }
    const look = (frames: number) => {
      const there = document.querySelector(selector) !== null && document.querySelector('.skeleton, [aria-busy=true]') === null
      if (there && frames === 1) state.drawnMs = performance.now()
      else requestAnimationFrame(() => look(there ? frames + 1 : 0))
    }
    requestAnimationFrame(() => look(0))
  }, shown)
}

async function drawnMs(page: Page): Promise<number> {
  await page.waitForFunction(() => (globalThis as unknown as { drawnMs?: number }).drawnMs !== undefined)
  return page.evaluate(() => (globalThis as unknown as { drawnMs: number }).drawnMs)
}

it('first screen: Home with its figures', async () => {
  const first: number[] = []
  const cold: number[] = []
  const warm: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const browser = await Browser.start() // with an empty cache
    const page = await browser.page()
    await noteDrawn(page, 'main h2, main article')
    await page.goto(sightline.url)
    cold.push(await drawnMs(page))
    first.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN))
    await page.reload()
    warm.push(await drawnMs(page))
    await browser.close()
  }
  report('first paint of the frame, empty cache', first, 1000)
  report('Home with its figures, empty cache', cold, 1000)
  report('Home with its figures, again', warm, 1000)
  expect(cold).toHaveLength(RUNS)
}, 300_000)

it('a trace of 50,000 spans', async () => {
  const spans = largeTrace(COUNT, BigInt(Date.now()) * 1_000_000n - 10_000_000_000n)
  for (let i = 0; i < spans.length; i += BATCH) await sightline.send('traces', tracesRequest(LARGE, spans.slice(i, i + BATCH)))
  await sightline.waitForSpans(LARGE, COUNT)
  const asked: number[] = []
  let bytes = 0
  for (let run = 0; run < RUNS; run++) {
    const begin = performance.now()
    bytes = (await (await fetch(`${sightline.url}/api/v1/traces/${LARGE}/outline`)).arrayBuffer()).byteLength
    asked.push(performance.now() - begin)
  }
  report(`answer with its outline, ${(bytes / 1e6).toFixed(1)} MB`, asked, 1500)

  const browser = await Browser.start()
  const page = await browser.page()
  const drawn: number[] = []
  for (let run = 0; run < RUNS; run++) {
    await page.goto(`${sightline.url}/`)
    await settled(page)
    await page.goto(`${sightline.url}/traces/${LARGE}`)
    await page.waitForSelector('.wf-row', { state: 'attached' })
    drawn.push(await page.evaluate(() => performance.getEntriesByName('trace-drawn')[0]?.startTime ?? NaN))
  }
  report('trace of 50,000 spans drawn', drawn, 1500)

  const wheel = async (delta: number) => {
    for (let i = 0; i < FRAMES; i++) {
      await page.mouse.wheel(0, delta)
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
    }
  }
  await page.mouse.move(900, 700)
  reportFrames('scrolling it, 3 rows a frame', await measureFrames(page, () => wheel(ROW_PX * 3)))
  reportFrames('scrolling it, 200 rows a frame', await measureFrames(page, () => wheel(ROW_PX * 200)))
  await page.goto(`${sightline.url}/traces/${LARGE}?view=flame`)
  await page.locator('.fg [role=treeitem]').first().waitFor({ state: 'attached' })
  await page.mouse.move(900, 700)
  reportFrames('its flame graph, wheel', await measureFrames(page, () => wheel(100)))
  // What this machine drops by itself: a page of nothing but lines.
  await page.goto('about:blank')
  await page.setContent(`<body style="margin:0">${'<p style="height:28px;margin:0">a line</p>'.repeat(2000)}`)
  await page.mouse.move(900, 700)
  reportFrames('for comparison: a page of plain lines, wheel', await measureFrames(page, () => wheel(ROW_PX * 3)))
  await browser.close()
  expect(drawn.every((time) => time > 0)).toBe(true)
}, 300_000)
