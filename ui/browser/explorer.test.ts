// The views of one query on the traces page in Chromium, on data from the real program.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const MS = 1_000_000n
const SEARCHES = 60
const SLOW_EVERY = 5
const STEP_MS = 10_000

let sightline: Sightline
let browser: Browser
let page: Page

const spanId = (index: number, place: number) => `${String(index + 1).padStart(12, '0')}${String(place).padStart(4, '0')}`

// One search in each step of the chart; every fifth is with the new model, in the region "south": slow, and it fails.
function search(index: number, now: bigint): SpanSketch[] {
  const slow = index % SLOW_EVERY === 0
  const at = (ms: number) => now - BigInt(STEP_MS * (index + 1)) * MS + BigInt(ms) * MS
  const status = slow ? ({ code: 2, message: 'no features' } as const) : undefined
  const region = slow ? 'south' : ['north', 'east', 'west'][index % 3]!
  return [
    { id: spanId(index, 1), name: 'GET /search', service: 'recommender', kind: 2, startNano: at(0), endNano: at(slow ? 900 : 40 + (index % 7)), attributes: { 'http.route': '/search', region } },
    { id: spanId(index, 2), parent: spanId(index, 1), name: 'model.predict', service: 'model', kind: 2, startNano: at(6), endNano: at(slow ? 880 : 30), attributes: { 'model.version': slow ? 'v2' : 'v1' }, ...(status && { status }) },
  ] // prettier-ignore
}

const tab = (name: string) => page.getByRole('tab', { name })
const figures = () => page.getByRole('table', { name: 'Series' }).locator('tbody tr')

// What waits for a newer answer is dimmed.
async function upToDate() {
  await settled(page)
  await page.waitForFunction(() => document.querySelector('.dimmed') === null && document.getAnimations().every((one) => !(one instanceof CSSTransition)))
}

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  const now = BigInt(Math.floor(Date.now() / STEP_MS) * STEP_MS) * MS
  for (let i = 0; i < SEARCHES; i++) await sightline.send('traces', tracesRequest(String(i + 1).padStart(32, '0'), search(i, now)))
  page = await browser.page()
  await waitUntil(async () => ((await sightline.ask<{ matched: number }>('/traces/scatter?limit=1'))?.matched ?? 0) >= 2 * SEARCHES, 'all spans')
  await mkdir(SHOTS, { recursive: true })
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

describe('the query over time', () => {
  it('is a tab beside the traces, grouped by a field that is chosen', async () => {
    await page.goto(`${sightline.url}/traces?last=15m`)
    await tab('Over time').click()
    await page.waitForURL((url) => url.searchParams.get('view') === 'series')
    await waitUntil(async () => (await figures().count()) === 1, 'one series')
    await page.getByRole('button', { name: 'Group by' }).click()
    await page.getByRole('option', { name: /^resource\.service\.name/ }).click()
    await waitUntil(async () => (await figures().count()) === 2, 'a series for each service')
    await page.getByRole('radio', { name: 'Error share' }).click()
    // In some steps all spans of the model failed.
    await figures().filter({ hasText: 'model' }).filter({ hasText: '100 %' }).waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('leads from a point to the traces behind it', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=series&by=span.region&fn=p95&draw=bars`)
    await waitUntil(async () => (await figures().count()) >= 4, 'a series for each region')
    await figures().filter({ hasText: 'south' }).getByRole('button').click()
    await page.waitForURL((url) => url.searchParams.get('only') === 'south')
    const chart = page.getByRole('region', { name: 'Over time' }).getByRole('img')
    await page.getByRole('button', { name: 'Only south' }).waitFor()
    await settled(page)
    const place = (await chart.boundingBox())!
    await chart.click({ position: { x: place.width * 0.8, y: place.height / 2 } })
    await page.getByRole('menuitem', { name: 'Traces of this moment' }).click()
    await page.waitForURL((url) => url.searchParams.get('view') === null && url.searchParams.has('from'))
    expect(await page.getByRole('textbox', { name: 'Query in TraceQL' }).inputValue()).toBe('{ span.region = "south" }')
    await page.goBack()
    await page.waitForURL((url) => url.searchParams.get('view') === 'series')
  })

  it('shows what a query says that makes numbers itself', async () => {
    const written = '{ kind = server } | rate() by (name) | topk(1)'
    await page.goto(`${sightline.url}/traces?last=15m&q=${encodeURIComponent(written)}`)
    await waitUntil(async () => (await figures().count()) === 1, 'the one with the most')
    expect(await tab('Over time').getAttribute('aria-selected')).toBe('true')
    expect(await page.getByRole('group', { name: 'What is calculated' }).getByRole('radio', { name: 'p95' }).count()).toBe(0)
    await page.goto(`${sightline.url}/traces?last=15m&q=${encodeURIComponent('{ } | rat() by (name)')}`)
    await page.getByRole('alert').filter({ hasText: 'column' }).waitFor()
  })
})

describe('what the spans are made of', () => {
  const rail = () => page.getByRole('complementary', { name: 'What the spans are made of' })
  const value = (field: string, name: string) => rail().getByRole('list', { name: field }).getByRole('button', { name: new RegExp(`^${name}`) })

  it('is counted beside them, and a click asks for one value', async () => {
    await page.goto(`${sightline.url}/traces?last=15m`)
    await value('resource.service.name', 'model').filter({ hasText: `${SEARCHES}` }).waitFor()
    await rail().getByRole('textbox', { name: 'Find a field or value' }).fill('region')
    await value('span.region', 'south').filter({ hasText: `${SEARCHES / SLOW_EVERY}` }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ span.region = "south" }')
    expect(await value('span.region', 'south').getAttribute('aria-pressed')).toBe('true')
    await waitUntil(async () => (await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').count()) === SEARCHES / SLOW_EVERY, 'the traces of the south')
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
  })

  it('leaves a value out, and takes that back', async () => {
    await page.goto(`${sightline.url}/traces?last=15m`)
    await value('resource.service.name', 'model').hover()
    await rail().getByRole('button', { name: 'Without model', exact: true }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ resource.service.name != "model" }')
    await waitUntil(async () => (await rail().getByRole('list', { name: 'span:name' }).getByRole('listitem').count()) === 1, 'the names of the other service alone')
    await page.getByRole('button', { name: /^Remove resource\.service\.name/ }).click()
    await page.waitForURL((url) => !url.searchParams.has('q'))
    await waitUntil(async () => (await rail().getByRole('list', { name: 'span:name' }).getByRole('listitem').count()) === 2, 'both names')
  })

  it('can be put away, and stays so', async () => {
    await page.goto(`${sightline.url}/traces?last=15m`)
    await page.getByRole('button', { name: 'Hide the fields' }).click()
    await page.reload()
    await page.getByRole('button', { name: 'Show the fields' }).waitFor()
    expect(await rail().count()).toBe(0)
    await page.getByRole('button', { name: 'Show the fields' }).click()
    await value('resource.service.name', 'model').waitFor()
  })
})

describe('the query as groups', () => {
  const groups = () => page.getByRole('table', { name: 'Groups' }).locator('[data-row-focus]')

  it('holds what is like another together, and leads to its traces', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=groups`)
    await waitUntil(async () => (await groups().count()) === 2, 'a group for each operation')
    await page.getByRole('status').filter({ hasText: `2 groups of ${2 * SEARCHES} spans` }).waitFor()
    await page.goto(`${sightline.url}/traces?last=15m&view=groups&by=span.region&by=span.model.version&order=errors`)
    await groups().first().filter({ hasText: 'v2' }).waitFor()
    await page.getByRole('button', { name: 'p99' }).click()
    await page.waitForURL((url) => url.searchParams.get('order') === 'p99')
    await groups().first().filter({ hasText: 'south' }).waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: /^south\s*none$/ }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ span.region = "south" && span.model.version = nil }')
    await waitUntil(async () => (await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').count()) === SEARCHES / SLOW_EVERY, 'its traces')
  })
})

describe('the query as spans', () => {
  const rows = () => page.getByRole('table', { name: 'Spans' }).locator('[data-row-focus]')

  it('has the columns that one wants, and opens the trace at the span', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=spans`)
    await rows().first().waitFor()
    await page.getByRole('button', { name: 'Add a column' }).click()
    await page.getByRole('option', { name: /^span\.region/ }).click()
    await page.getByRole('columnheader', { name: 'region' }).waitFor()
    await page.getByRole('radio', { name: 'Slowest' }).click()
    await rows().first().filter({ hasText: 'GET /search' }).waitFor()
    await page.getByRole('cell', { name: 'south' }).first().waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => /^\/traces\/[0-9a-f]{32}$/.test(url.pathname) && url.searchParams.has('span'))
    await page.goBack()
    await page.getByRole('columnheader', { name: 'region' }).waitFor()
  })
})

describe('the query as a heatmap', () => {
  it('leads from a box to the traces in it', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=heatmap`)
    await page.getByRole('status').filter({ hasText: `${2 * SEARCHES} spans, ${SEARCHES / SLOW_EVERY} failed` }).waitFor()
    const plot = page.getByRole('application', { name: /^Durations over time/ })
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    // The slow ones are at the top.
    const { x, y, width, height } = (await plot.boundingBox())!
    await page.mouse.move(x + width * 0.3, y + 12)
    await page.mouse.down()
    await page.mouse.move(x + width * 0.95, y + height * 0.4, { steps: 5 })
    await page.mouse.up()
    await page.getByRole('menuitem', { name: /^Traces in this box/ }).click()
    await page.waitForURL((url) => url.searchParams.get('view') === null && url.searchParams.has('min_duration') && url.searchParams.has('from'))
    const traces = page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]')
    await waitUntil(async () => (await traces.count()) > 0 && (await traces.count()) <= SEARCHES / SLOW_EVERY, 'the slow traces alone')
    await page.goBack()
    await plot.waitFor()
  })

  it('has its boxes chosen by keys too', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=heatmap`)
    const plot = page.getByRole('application', { name: /^Durations over time/ })
    await plot.waitFor()
    await upToDate()
    const words = page.getByRole('status').filter({ hasText: 'Enter selects.' })
    await plot.focus()
    await page.keyboard.press('ArrowLeft') // where most spans are
    await words.filter({ hasText: /: [1-9]\d* spans?/ }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('status').filter({ hasText: 'choose one with the arrow keys' }).waitFor()
    await page.keyboard.press('ArrowRight')
    for (const key of ['Home', ...Array.from({ length: 40 }, () => 'ArrowDown')]) await page.keyboard.press(key)
    for (const key of ['End', ...Array.from({ length: 60 }, () => 'ArrowUp')]) await page.keyboard.press(`Shift+${key}`)
    await words.filter({ hasText: `any duration: ${2 * SEARCHES} spans, ${SEARCHES / SLOW_EVERY} failed` }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: /^Traces in this box/ }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('menuitem', { name: /^Traces in this box/ }).waitFor({ state: 'detached' })
    expect(await plot.evaluate((element) => element === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('view') !== 'heatmap')
  })
})

describe('a box under the keys', () => {
  const plot = () => page.getByRole('application', { name: /^Durations over time/ })
  const words = () => page.getByRole('status').filter({ hasText: 'Enter selects.' })
  // Whether a frame is drawn over the cells.
  const framed = () =>
    plot().locator('canvas').last().evaluate((canvas: HTMLCanvasElement) => {
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })! // Chromium warns of reading the page's own
      copy.drawImage(canvas, 0, 0)
      return copy.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)
    })
  const asked = () => page.waitForResponse((response) => response.url().includes('/query/heatmap'))

  it('stays through a refresh, and goes with its frame when there are other columns', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=heatmap&live=5s`)
    await plot().waitFor()
    await plot().focus()
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Shift+ArrowLeft')
    const before = await words().innerText()
    await waitUntil(async () => (await words().innerText()) !== before, 'the box told anew, as the range goes on')
    expect(await framed()).toBe(true)
    const [answer] = await Promise.all([asked(), page.setViewportSize({ width: 900, height: 900 })])
    await answer.finished()
    await words().waitFor({ state: 'detached' })
    expect(await framed()).toBe(false)
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  it('leaves the selection as it was when it is let go', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=explain&sel_min=500ms`)
    await plot().waitFor()
    await upToDate()
    await waitUntil(framed, 'the selection')
    await plot().focus()
    await page.keyboard.press('ArrowLeft')
    await words().waitFor()
    await page.keyboard.press('Escape')
    await words().waitFor({ state: 'detached' })
    expect(await framed()).toBe(true)
  })
})

describe('what differs', () => {
  const cards = () => page.getByRole('list', { name: 'What differs, the most telling first' }).getByRole('listitem')

  it('is told of the failed spans, and added to the query by a click', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=explain`)
    // Of the failed spans all are of the new model, of the others none.
    const version = cards().filter({ has: page.getByRole('heading', { name: 'model.version' }), hasNotText: 'in the trace' })
    await version.getByRole('button', { name: /^v2/ }).filter({ hasText: '100 %' }).filter({ hasText: '0 %' }).waitFor()
    await upToDate()
    expect(await accessibilityViolations(page)).toEqual([])
    await version.getByRole('button', { name: /^v2/ }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ span.model.version = "v2" }')
  })

  it('is told of a box on the heatmap', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=heatmap&q=${encodeURIComponent('{ name = "GET /search" }')}`)
    const plot = page.getByRole('application', { name: /^Durations over time/ })
    await plot.waitFor()
    await upToDate()
    const { x, y, width, height } = (await plot.boundingBox())!
    await page.mouse.move(x + 66, y + 12)
    await page.mouse.down()
    await page.mouse.move(x + width - 13, y + height * 0.4, { steps: 5 })
    await page.mouse.up()
    await page.getByRole('menuitem', { name: 'What differs here?' }).click()
    await page.waitForURL((url) => url.searchParams.get('view') === 'explain' && url.searchParams.has('sel_min'))
    await cards().filter({ has: page.getByRole('heading', { name: 'region' }) }).getByRole('button', { name: /^south/ }).filter({ hasText: '100 %' }).waitFor()
    await plot.waitFor()
  })

  it('says so where nothing does', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=explain&sel_to=1&sel_from=0`)
    await page.getByText('No spans are selected').waitFor()
    await page.goto(`${sightline.url}/traces?last=15m&view=explain&q=${encodeURIComponent('{ span.region = "east" }')}&sel=${encodeURIComponent('{ duration > 43ms }')}`)
    await page.getByText('No attribute differs').waitFor()
  })

  it('is asked of a group', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=groups&by=span.region`)
    await page.getByRole('row').filter({ hasText: 'south' }).hover()
    await page.getByRole('button', { name: 'What differs in south?' }).click()
    await page.waitForURL((url) => url.searchParams.get('sel') === '{ span.region = "south" }')
    await cards().filter({ has: page.getByRole('heading', { name: 'duration' }) }).first().waitFor()
  })
})

describe('the question itself', () => {
  it('is offered again when the box is empty, and copied for a terminal', async () => {
    await page.goto(`${sightline.url}/traces?last=15m`)
    const box = page.getByRole('textbox', { name: 'Query in TraceQL' })
    await box.fill('{ span.region =~ "s.*" }')
    await box.press('Enter')
    await page.waitForURL((url) => url.searchParams.has('q'))
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByRole('menuitem', { name: 'As a line for the terminal' }).click()
    await page.getByText('Copied the line').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`sightline query '{ span.region =~ "s.*" }' --last 15m --server ${sightline.url}`)
    // The list of it as SQL, which finds the same.
    await page.goto(`${sightline.url}/traces?last=15m&view=spans&q=${encodeURIComponent('{ span.region =~ "s.*" }')}`)
    await page.getByRole('table', { name: 'Spans' }).waitFor()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByRole('menuitem', { name: 'As SQL' }).click()
    await page.getByText('Copied the SQL').waitFor()
    const sql = await page.evaluate(() => navigator.clipboard.readText())
    const found = await fetch(`${sightline.url}/api/v1/sql?format=JSONEachRow`, { method: 'POST', body: sql })
    expect((await found.text()).trimEnd().split('\n')).toHaveLength(SEARCHES / SLOW_EVERY)
    await page.goto(`${sightline.url}/traces?last=15m`)
    await box.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.searchParams.get('q') === '{ span.region =~ "s.*" }')
  })
})

describe('what is listed', () => {
  async function downloaded(item: string): Promise<string> {
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()])
    return readFile(await file.path(), 'utf8')
  }

  it('is saved as a file, all pages of it', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=spans&col=span.region&service=recommender`)
    await page.getByRole('table', { name: 'Spans' }).waitFor()
    const lines = (await downloaded('Download as CSV')).trimEnd().split('\r\n')
    expect(lines).toHaveLength(1 + SEARCHES)
    expect(lines[0]).toBe('start_unix_nano,service,name,status,duration_nano,trace_id,span_id,span.region')
    expect(lines.filter((line) => line.endsWith(',south'))).toHaveLength(SEARCHES / SLOW_EVERY)
    await page.goto(`${sightline.url}/traces?last=15m&view=groups&by=span.region`)
    await page.getByRole('table', { name: 'Groups' }).waitFor()
    const groups = JSON.parse(await downloaded('Download as JSON')) as { fields: Record<string, string | null>; spans: number }[]
    expect(groups.find((group) => group.fields['span.region'] === 'south')?.spans).toBe(SEARCHES / SLOW_EVERY)
    await page.goto(`${sightline.url}/traces?last=15m`)
    await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').first().waitFor()
    expect((await downloaded('Download as JSON lines')).trimEnd().split('\n')).toHaveLength(SEARCHES)
    const whole = JSON.parse(await downloaded('Download as OTLP, JSON')) as { resourceSpans: { scopeSpans: { spans: { traceId: string }[] }[] }[] }
    const traces = whole.resourceSpans.flatMap((one) => one.scopeSpans).flatMap((one) => one.spans.map((span) => span.traceId))
    expect(new Set(traces).size).toBe(SEARCHES)
    expect(traces.length).toBeGreaterThan(SEARCHES)
  })
})

describe('a saved view', () => {
  const menu = () => page.getByRole('dialog', { name: 'Saved views' })
  const open = () => page.getByRole('button', { name: 'Saved views' }).click()
  const focused = (one: Locator) => waitUntil(() => one.evaluate((element) => element === document.activeElement), `the focus on ${one}`)

  it('is saved, opened, changed, renamed, found in the palette and deleted', async () => {
    await page.goto(`${sightline.url}/traces?last=15m&view=groups&by=span.region&q=${encodeURIComponent('{ span.region = "south" }')}`)
    await page.getByRole('table', { name: 'Groups' }).waitFor()
    await open()
    await menu().getByText('Nothing is saved yet').waitFor()
    await menu().getByRole('textbox', { name: 'Name of this view' }).fill('the south')
    await page.keyboard.press('Enter')
    await page.getByText('Saved “the south”').waitFor()
    // From elsewhere it shows what it showed, at the time that is looked at now.
    await page.goto(`${sightline.url}/traces?last=1h&service=recommender`)
    await open()
    await menu().getByRole('link', { name: 'the south' }).click()
    await page.getByRole('table', { name: 'Groups' }).waitFor()
    const url = new URL(page.url())
    expect([url.searchParams.get('q'), url.searchParams.get('by'), url.searchParams.get('last'), url.searchParams.get('service')]).toEqual(['{ span.region = "south" }', 'span.region', '1h', null])
    // Changed, and kept so.
    await page.goto(`${page.url().replace('view=groups', 'view=spans')}`)
    await open()
    await menu().getByText('the south, changed').waitFor()
    await page.screenshot({ path: join(SHOTS, 'explorer-saved-views.png') })
    expect(await accessibilityViolations(page)).toEqual([])
    await menu().getByRole('button', { name: 'Save changes' }).click()
    await page.getByText('Saved the changes to “the south”').waitFor()
    // A name that is taken is said where it was written.
    await open()
    await menu().getByRole('textbox', { name: 'Name of this view' }).fill('the south')
    await menu().getByRole('button', { name: 'Save', exact: true }).click()
    await menu().getByText('there is a view "the south" already').waitFor()
    await menu().getByRole('button', { name: 'Rename the south' }).click()
    await menu().getByRole('textbox', { name: 'New name' }).fill('down south')
    await page.keyboard.press('Enter')
    await menu().getByRole('link', { name: 'down south' }).waitFor()
    await focused(menu().getByRole('button', { name: 'Rename down south' }))
    await page.keyboard.press('Enter')
    await focused(menu().getByRole('textbox', { name: 'New name' }))
    await menu().getByRole('button', { name: 'Keep the name' }).click()
    await focused(menu().getByRole('button', { name: 'Rename down south' }))
    await page.goto(`${sightline.url}/logs`)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Find or do something' }).fill('down')
    await page.getByRole('option', { name: /down south/ }).click()
    await page.waitForURL((at) => at.pathname === '/traces' && at.searchParams.get('view') === 'spans')
    await page.getByRole('table', { name: 'Spans' }).waitFor()
    await open()
    await menu().getByRole('button', { name: 'Delete down south' }).click()
    await page.getByText('Deleted “down south”').waitFor()
    await menu().getByText('Nothing is saved yet').waitFor()
    await focused(menu().getByRole('textbox', { name: 'Name of this view' }))
    await page.getByRole('button', { name: 'Undo' }).click()
    await waitUntil(async () => ((await sightline.ask<{ views: unknown[] }>('/views'))?.views.length ?? 0) === 1, 'the view is there again')
    if (!(await menu().isVisible())) await open()
    await menu().getByRole('link', { name: 'down south' }).waitFor()
  }, 120_000)

  it('that somebody else has changed is not written over', async () => {
    const url = `${sightline.url}/api/v1/views`
    const content = { signal: 'logs', name: 'warnings', query: '{ severity >= warn }', page: '' }
    const made = (await (await fetch(url, { method: 'POST', body: JSON.stringify(content) })).json()) as { id: string; version: number }
    await page.goto(`${sightline.url}/logs?saved=${made.id}&wrap=1`)
    await page.getByRole('button', { name: 'Saved views' }).click()
    await menu().getByText('warnings, changed').waitFor()
    // They were asked for to tell its name, and are not for each opening.
    let asked = 0
    page.on('request', (request) => (asked += request.url().includes('/api/v1/views') ? 1 : 0))
    await page.keyboard.press('Escape')
    await menu().waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Saved views' }).click()
    await menu().getByText('warnings, changed').waitFor()
    expect(asked).toBe(0)
    expect((await fetch(`${url}/${made.id}`, { method: 'PUT', body: JSON.stringify({ ...content, name: 'loud', version: 1 }) })).status).toBe(200)
    await menu().getByRole('button', { name: 'Save changes' }).click()
    await page.getByText(/"loud" was changed meanwhile/).waitFor()
    await menu().getByText('loud, changed').waitFor()
  })
})

describe('screens', () => {
  for (const theme of ['light', 'dark'] as const) {
    it(`are shown, ${theme}`, async () => {
      await page.emulateMedia({ colorScheme: theme })
      for (const [name, width] of [['wide', 1440], ['narrow', 480]] as const) {
        await page.setViewportSize({ width, height: 900 })
        await page.goto(`${sightline.url}/traces?last=15m&view=series&fn=p95&by=span.region`)
        await figures().first().waitFor()
        await settled(page)
        await page.screenshot({ path: join(SHOTS, `explorer-series-${name}-${theme}.png`) })
        for (const [view, ready] of [['groups', page.getByRole('table', { name: 'Groups' })], ['spans', page.getByRole('table', { name: 'Spans' })], ['heatmap', page.getByRole('application', { name: /^Durations over time/ })], ['explain', page.getByRole('list', { name: 'What differs, the most telling first' })]] as const) {
          await page.goto(`${sightline.url}/traces?last=15m&view=${view}&col=span.region`)
          await ready.waitFor()
          await upToDate()
          const chosen = (await page.getByRole('tab', { selected: true }).boundingBox())!
          const tabs = (await page.getByRole('tablist', { name: 'Views of the query' }).boundingBox())!
          expect(chosen.x >= tabs.x - 1 && chosen.x + chosen.width <= tabs.x + tabs.width + 1).toBe(true)
          await page.screenshot({ path: join(SHOTS, `explorer-${view}-${name}-${theme}.png`) })
        } // prettier-ignore
        await page.goto(`${sightline.url}/traces?last=15m`)
        await page.getByRole('table', { name: 'Traces' }).locator('[data-row-focus]').first().waitFor()
        await settled(page)
        await page.screenshot({ path: join(SHOTS, `explorer-traces-${name}-${theme}.png`) })
      }
    })
  }

  it('had no problem', () => {
    expect(problems(page)).toEqual([])
  })
})
