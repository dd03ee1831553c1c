// The page of one trace in Chromium, from traces of 50,000 and 100,000 spans (sent through OTLP) down to one in
// which everything is odd. Prints how long drawing and scrolling take; asserts that what is drawn is right.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, measureFrames, problems, settled, Sightline, waitUntil } from './harness'
import { largeTrace, logsRequest, tracesRequest } from './otlp'
import { oddTrace, richTrace } from './traces'

const COUNT = 50_000
const LARGE = '5'.repeat(32)
const BATCH = 5000
const ROW_PX = 28

let sightline: Sightline
let browser: Browser
const now = BigInt(Date.now()) * 1_000_000n
const odd = oddTrace('0af7651916cd43dd8448eb211c803100', now - 5_000_000_000n)
const rich = richTrace('0af7651916cd43dd8448eb211c803200', now - 4_000_000_000n, odd.traceId)

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  await sightline.send('traces', tracesRequest(odd.traceId, odd.spans))
  await sightline.send('traces', tracesRequest(rich.traceId, rich.spans))
  const start = rich.spans[0]!.startNano
  await sightline.send(
    'logs',
    logsRequest('model-server', rich.traceId, [
      { atNano: start + 2_000_000n, body: 'search for graph databases', span: 'c000000000000001' },
      { atNano: start + 279_000_000n, body: 'prediction failed', severity: 17, span: 'c000000000000003' },
    ]),
  )
  await sightline.waitForSpans(odd.traceId, odd.spans.length)
  await sightline.waitForSpans(rich.traceId, rich.spans.length)
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const open = async (page: Page, path: string) => {
  await page.goto(sightline.url + path)
  await page.waitForSelector('.wf-row, .fg [role=treeitem]', { state: 'attached' })
}
const names = (page: Page) => page.locator('.wf-row .wf-name').allTextContents()
const chosenName = (page: Page) => page.locator('aside[aria-label=Span] h2').textContent()

// The rows in the order in which they lie on the screen: the elements are used again while scrolling.
const rowsByPlace = (page: Page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.wf-row')]
      .map((row) => ({ place: Number(row.getAttribute('aria-rowindex')) - 2, top: row.getBoundingClientRect().top, name: row.querySelector('.wf-name')?.textContent }))
      .sort((a, b) => a.place - b.place),
  )

// Something other than the background is drawn on the timeline.
const drawnPixels = (page: Page, selector: string) =>
  page.evaluate((wanted) => {
    let drawn = 0
    for (const canvas of document.querySelectorAll<HTMLCanvasElement>(wanted)) {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      for (let i = 3; i < data.length; i += 4) if (data[i]! > 200) drawn++
    }
    return drawn
  }, selector)

describe('a trace of 50,000 spans', () => {
  beforeAll(async () => {
    const spans = largeTrace(COUNT, now - 10_000_000_000n)
    for (let i = 0; i < spans.length; i += BATCH) await sightline.send('traces', tracesRequest(LARGE, spans.slice(i, i + BATCH)))
    await sightline.waitForSpans(LARGE, COUNT)
  })

  it('draws its first rows, and not more elements than are in sight', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/traces`)
    await settled(page)
    const times: number[] = []
    for (let run = 0; run < 3; run++) {
      await page.goto(`${sightline.url}/`)
      await settled(page)
      await open(page, `/traces/${LARGE}`)
      const figures = await page.evaluate(async () => {
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
        const at = (name: string) => performance.getEntriesByName(name)[0]?.startTime ?? NaN
        return { outline: at('trace-outline'), model: at('trace-model'), drawn: at('trace-drawn'), frame: performance.now() }
      })
      console.log(
        `50,000 spans, ms after navigation: outline parsed ${Math.round(figures.outline)}, model ${Math.round(figures.model)}, ` +
          `drawn ${Math.round(figures.drawn)}, seen ${Math.round(figures.frame)}`,
      )
      times.push(figures.drawn)
    }
    expect(times.every((time) => time > 0)).toBe(true)
    expect((await names(page))[0]).toBe('POST /import')
    const rows = await rowsByPlace(page)
    expect(rows.length).toBeLessThan(40)
    expect(rows.map((row) => row.place)).toEqual(rows.map((_, i) => i))
    expect(await page.getByRole('treegrid').getAttribute('aria-rowcount')).toBe(String(COUNT + 1))
    expect(await drawnPixels(page, '.wf-layer canvas')).toBeGreaterThan(2000)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('scrolls: rows stay in order and in their places', async () => {
    const page = await browser.page()
    await open(page, `/traces/${LARGE}`)
    await page.mouse.move(900, 700)
    const wheel = async (delta: number) => {
      for (let i = 0; i < 60; i++) {
        await page.mouse.wheel(0, delta)
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
      }
    }
    const slow = await measureFrames(page, () => wheel(ROW_PX * 3))
    const fast = await measureFrames(page, () => wheel(ROW_PX * 200))
    console.log(`wheel, 3 rows a frame: ${JSON.stringify(slow)}; 200 rows a frame: ${JSON.stringify(fast)}`)
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    const rows = await rowsByPlace(page)
    const scrolled = await page.evaluate(() => document.querySelector('.wf')!.scrollTop)
    expect(scrolled).toBeGreaterThan(60 * ROW_PX * 100)
    expect(rows[0]!.place).toBe(Math.floor(scrolled / ROW_PX))
    for (const [i, row] of rows.entries()) {
      expect(row.place).toBe(rows[0]!.place + i)
      expect(row.top - rows[0]!.top).toBeCloseTo(i * ROW_PX, 0)
    }
    expect(await drawnPixels(page, '.wf-layer canvas')).toBeGreaterThan(500)
    await page.close()
  })

  it('is searched and walked through by keys', async () => {
    const page = await browser.page()
    await open(page, `/traces/${LARGE}`)
    await page.keyboard.press('/')
    await page.keyboard.type('error')
    await page.getByText(/^1?\d\d found$/).waitFor()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await page.keyboard.press('n')
    await page.keyboard.press('Enter')
    await page.locator('aside[aria-label=Span]').waitFor()
    await page.getByText('row refused: value out of range').first().waitFor()
    await page.waitForURL(/q=error/)
    const active = await page.evaluate(() => {
      const id = document.querySelector('[role=treegrid]')!.getAttribute('aria-activedescendant')
      return id === null ? null : document.getElementById(id)!.className
    })
    expect(active).toContain('is-failed')
    await page.close()
  })

  it('is drawn as a flame graph', async () => {
    const page = await browser.page()
    await open(page, `/traces/${LARGE}?view=flame`)
    await page.locator('.fg [role=treeitem]').first().waitFor({ state: 'attached' })
    expect(await page.locator('.fg [role=treeitem]').first().textContent()).toContain('POST /import, service-0, 60')
    expect(await drawnPixels(page, '.fg canvas')).toBeGreaterThan(20_000)
    await page.mouse.move(900, 700)
    const figures = await measureFrames(page, async () => {
      for (let i = 0; i < 60; i++) {
        await page.mouse.wheel(0, 100)
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)))
      }
    })
    console.log(`flame graph, wheel: ${JSON.stringify(figures)}`)
    await page.close()
  })

  it('begins at the chosen span, which stays in sight above its details', async () => {
    const outline = await sightline.ask<{ spans: { span_id: string }[] }>(`/traces/${LARGE}/outline`)
    const page = await browser.page({ width: 860, height: 560 })
    await open(page, `/traces/${LARGE}?span=${outline!.spans[COUNT / 2]!.span_id}`)
    await page.waitForSelector('aside[aria-label=Span] h2')
    await page.waitForSelector('.wf-row.is-chosen', { state: 'attached' })
    const [row, details] = [await page.locator('.wf-row.is-chosen').boundingBox(), await page.locator('aside[aria-label=Span]').boundingBox()]
    const head = await page.locator('.wf-head').boundingBox()
    expect(row!.y).toBeGreaterThanOrEqual(head!.y + head!.height - 1)
    expect(row!.y + row!.height).toBeLessThanOrEqual(details!.y + 1)
    await page.close()
  })
})

describe('a trace of 100,000 spans', () => {
  const HUGE = '6'.repeat(32)
  const HUGE_COUNT = 100_000
  const LOGS = 2300

  it('is loaded page by page, and drawn whole with all its logs', async () => {
    const spans = largeTrace(HUGE_COUNT, now - 10_000_000_000n, 11)
    for (let i = 0; i < spans.length; i += BATCH) await sightline.send('traces', tracesRequest(HUGE, spans.slice(i, i + BATCH)))
    await sightline.waitForSpans(HUGE, HUGE_COUNT)
    const records = Array.from({ length: LOGS }, (_, i) => ({ atNano: spans[0]!.startNano + BigInt(i) * 1_000_000n, body: `row ${i} read` }))
    for (let i = 0; i < LOGS; i += 500) await sightline.send('logs', logsRequest('importer', HUGE, records.slice(i, i + 500)))
    await waitUntil(async () => {
      const last = await sightline.ask<{ logs: unknown[] }>(`/logs?trace_id=${HUGE}&text=row+${LOGS - 1}+read`)
      return last?.logs.length === 1
    }, 'the last record')

    const page = await browser.page()
    const asked: string[] = []
    page.on('request', (request) => {
      if (request.url().includes('/outline')) asked.push(new URL(request.url()).search)
    })
    await open(page, `/traces/${HUGE}?span=0000000000000001&tab=trace-logs`)
    expect(await page.getByRole('treegrid').getAttribute('aria-rowcount')).toBe(String(HUGE_COUNT + 1))
    expect(asked.length).toBeGreaterThanOrEqual(2)
    expect(asked[1]).toMatch(/^\?cursor=/)
    expect(await page.getByText('more than this page can hold').count()).toBe(0)
    expect(await page.getByText('did not arrive').count()).toBe(0) // parents are found across pages
    const panel = page.locator('aside[aria-label=Span]')
    await panel.getByText('row 0 read').waitFor()
    while ((await panel.getByRole('button', { name: 'More logs' }).count()) > 0) {
      const shown = await panel.locator('li').count()
      await panel.getByRole('button', { name: 'More logs' }).click()
      await waitUntil(async () => (await panel.locator('li').count()) > shown, 'more logs')
    }
    expect(await panel.locator('li').count()).toBe(LOGS)
    await panel.getByText(`row ${LOGS - 1} read`).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  }, 240_000)
})

describe('a failure that the root does not show', () => {
  it('is named at the top, marked up to the root, and explained by a click', async () => {
    const page = await browser.page()
    await open(page, `/traces/${rich.traceId}`)
    const causes = page.getByRole('region', { name: 'Likely causes of failure' })
    expect(await causes.textContent()).toContain('The root has no error, but 1 span under it failed')
    expect((await causes.boundingBox())!.y).toBeLessThan(300)
    const marks = await page.locator('.wf-row').evaluateAll((rows) => rows.map((row) => [row.querySelector('.wf-name')!.textContent, /is-(failed|leading)/.exec(row.className)?.[1] ?? '']))
    expect(marks).toEqual([
      ['GET /search', 'leading'],
      ['rank', 'leading'],
      ['load features', ''],
      ['model.predict', 'failed'],
    ])
    await causes.getByRole('button', { name: 'model.predict' }).click()
    await page.getByText('ValueError').first().waitFor()
    expect(await chosenName(page)).toBe('model.predict')
    await page.waitForURL(/span=c000000000000003/)

    const hash = page.locator('dl[aria-label^="Attributes of the span"] > div', { hasText: 'request.hash' })
    expect(await hash.textContent()).toContain('9007199254740993') // no digit rounded away
    const filter = await hash.getByRole('link', { name: 'Traces with request.hash' }).getAttribute('href')
    expect(new URL(filter!, sightline.url).searchParams.get('q')).toBe('{ span.request.hash = 9007199254740993 }')

    await page.getByRole('tab', { name: /Links/ }).click()
    await page.getByRole('link', { name: 'Another trace' }).click()
    await page.waitForURL(`**/traces/${odd.traceId}?span=a000000000000001`)
    await page.goBack()
    await page.getByRole('tab', { name: /Links/, selected: true }).waitFor()
    expect(await chosenName(page)).toBe('model.predict')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('is as it was after a reload: span, zoom, search, view', async () => {
    const page = await browser.page()
    await open(page, `/traces/${rich.traceId}`)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.keyboard.press('z')
    await page.keyboard.press('j') // the details follow
    await page.keyboard.press('/')
    await page.keyboard.type('features')
    await page.waitForURL(/q=features/)
    const url = page.url()
    expect(url).toMatch(/span=c000000000000004/)
    expect(url).toMatch(/zoom=\d+-\d+/)
    const length = await page.evaluate(() => history.length)
    await page.reload()
    await page.waitForSelector('aside[aria-label=Span] h2')
    expect(page.url()).toBe(url)
    expect(await chosenName(page)).toBe('load features')
    expect(await page.getByRole('textbox', { name: 'Search in the trace' }).inputValue()).toBe('features')
    expect(await page.getByText('Whole trace').count()).toBe(1)
    expect(await page.evaluate(() => history.length)).toBe(length) // moves are no steps of the history
    await page.close()
  })
})

describe('keys', () => {
  it('open and close rows, go in and out, change the view', async () => {
    const page = await browser.page()
    await open(page, `/traces/${rich.traceId}`)
    const shown = async (wanted: string[]) => {
      await page.waitForFunction((count) => document.querySelectorAll('.wf-row').length === count, wanted.length)
      expect((await rowsByPlace(page)).map((row) => row.name)).toEqual(wanted)
    }
    const active = () => page.locator('.wf-row.is-active .wf-name').textContent()
    await page.keyboard.press('h')
    await shown(['GET /search'])
    expect(await page.locator('.wf-row').getAttribute('aria-expanded')).toBe('false')
    await page.keyboard.press('l')
    await shown(['GET /search', 'rank', 'load features', 'model.predict'])
    await page.keyboard.press('l')
    await page.locator('.wf-row.is-active', { hasText: 'rank' }).waitFor()
    await page.keyboard.press('[')
    await shown(['GET /search', 'rank'])
    await page.keyboard.press('e') // opens what hides it
    await page.locator('.wf-row.is-active', { hasText: 'model.predict' }).waitFor()
    await page.keyboard.press('h')
    await page.locator('.wf-row.is-active', { hasText: 'rank' }).waitFor()
    expect(await active()).toBe('rank')

    await page.keyboard.press('v')
    await page.locator('.fg [role=treeitem][aria-current=true]', { hasText: 'rank' }).waitFor({ state: 'attached' })
    await page.keyboard.press('j') // its longest child
    await page.keyboard.press('Enter')
    await page.locator('aside[aria-label=Span] h2', { hasText: 'model.predict' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('aside[aria-label=Span]').waitFor({ state: 'detached' })
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('are not needed: the minimap zooms by a drag, a click on the timeline chooses', async () => {
    const page = await browser.page()
    await open(page, `/traces/${rich.traceId}`)
    const map = (await page.locator('.mm').boundingBox())!
    await page.mouse.move(map.x + map.width * 0.5, map.y + 20)
    await page.mouse.down()
    await page.mouse.move(map.x + map.width * 0.75, map.y + 20, { steps: 4 })
    await page.mouse.up()
    await page.waitForURL(/zoom=\d+-\d+/)
    const [from, to] = /zoom=(\d+)-(\d+)/.exec(page.url())!.slice(1).map(Number)
    expect(from! / 320e6).toBeCloseTo(0.5, 1)
    expect(to! / 320e6).toBeCloseTo(0.75, 1)
    const row = (await page.locator('.wf-row', { hasText: 'model.predict' }).boundingBox())!
    await page.mouse.click(row.x + row.width - 100, row.y + 10)
    await page.locator('aside[aria-label=Span] h2', { hasText: 'model.predict' }).waitFor()
    await page.getByRole('button', { name: 'Whole trace' }).click()
    await page.waitForURL((url) => !url.searchParams.has('zoom'))
    await page.close()
  })
})

describe('what is odd', () => {
  it('is said, and found by a click', async () => {
    const page = await browser.page()
    await open(page, `/traces/${odd.traceId}`)
    const notes = page.getByRole('group', { name: 'Notes on this trace' })
    expect(await notes.getByRole('button').allTextContents()).toEqual([
      '1 parent did not arrive',
      '2 further roots',
      '1 span starts before its parent',
      '2 spans share an id',
      '1 ring of parents',
      'The clock of cart seems 12 ms to 310 ms behind that of gateway',
    ])
    await notes.getByRole('button', { name: 'starts before' }).click()
    await page.getByText('1 found').waitFor()
    expect(await page.locator('.wf-row.is-match .wf-name').allTextContents()).toEqual(['cart.load'])
    await page.close()
  })

  it('of an id that is not there, says what may be the reason', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/traces/${'d'.repeat(32)}`)
    await page.getByText('Not here yet').waitFor()
    await page.getByText('There is no trace with this id').waitFor()
    expect(await page.getByRole('button', { name: 'Look again' }).count()).toBe(1)
    await page.close()
  })

  it('of a trace that arrives late, shows it without being asked again', async () => {
    const page = await browser.page()
    const late = richTrace('0af7651916cd43dd8448eb211c803300', now - 3_000_000_000n, odd.traceId)
    await page.goto(`${sightline.url}/traces/${late.traceId}`)
    await page.getByText('Not here yet').waitFor()
    await sightline.send('traces', tracesRequest(late.traceId, late.spans))
    await page.getByText('The root has no error, but 1 span under it failed').waitFor()
    await page.close()
  })

  it('of a trace that grows, keeps what is chosen', async () => {
    const page = await browser.page()
    const part = richTrace('0af7651916cd43dd8448eb211c803400', BigInt(Date.now() - 2000) * 1_000_000n, odd.traceId)
    await sightline.send('traces', tracesRequest(part.traceId, part.spans.slice(1, 3)))
    await sightline.waitForSpans(part.traceId, 2)
    await open(page, `/traces/${part.traceId}?span=c000000000000003`)
    await page.getByText('Root missing').first().waitFor()
    await sightline.send('traces', tracesRequest(part.traceId, [part.spans[0]!, part.spans[3]!]))
    await page.getByText('Root has no error', { exact: true }).waitFor()
    expect(await names(page)).toHaveLength(4)
    expect(await chosenName(page)).toBe('model.predict')
    await page.close()
  })
})

describe('for everyone', () => {
  it.each(['light', 'dark'] as const)('axe-core finds nothing to mend, %s', async (theme) => {
    const page = await browser.page({ theme })
    for (const path of [
      `/traces/${rich.traceId}?span=c000000000000003`,
      `/traces/${rich.traceId}?span=c000000000000003&tab=events`,
      `/traces/${rich.traceId}?span=c000000000000003&tab=trace-logs`,
      `/traces/${odd.traceId}?view=flame&q=cart`,
      `/traces/${odd.traceId}?q=is:early`,
    ]) {
      await open(page, path)
      if (path.includes('span=')) await page.waitForSelector('aside[aria-label=Span] [role=tabpanel]:not(.dimmed) :is(dl, ol)')
      expect({ path, violations: await accessibilityViolations(page) }).toEqual({ path, violations: [] })
    }
    await page.close()
  })
})
