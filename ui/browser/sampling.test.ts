// The page of sampling in Chromium against the real program, with sampling off and on; and what a trace says of itself.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil } from './harness'
import { tracesRequest } from './otlp'

const SHOTS = join(import.meta.dirname, '../../build/test-results/screenshots')
const POLICIES =
  '{decision_wait: 0s, policies: [{name: errors, type: error}, {name: slow-roots, type: root_latency, root_latency: {threshold_ms: 1000}}, ' +
  '{name: ten-percent, type: probabilistic, probabilistic: {sampling_percentage: 10}}]}'
const SERVICES = ['frontend', 'recommender', 'payments']
const TRACES = 300

let sightline: Sightline
let browser: Browser

// Numbers with a fixed seed: which traces the hash keeps is the same at each run.
function makeRandom(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}
const random = makeRandom(11)
const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

const failed = hex(32)
const fine: string[] = []

async function sendTraces(): Promise<void> {
  const base = BigInt(Date.now()) * 1_000_000n
  const traces = Array.from({ length: TRACES }, (_, i) => ({ id: i === 0 ? failed : hex(32), bad: i % 50 === 0, slow: i % 60 === 1 }))
  for (const trace of traces) {
    if (!trace.bad && !trace.slow) fine.push(trace.id)
    const at = base - BigInt(Math.floor(random() * 20 * 60)) * 1_000_000_000n
    const length = trace.slow ? 1_400_000_000n : BigInt(20_000_000 + Math.floor(random() * 200_000_000))
    const ids = SERVICES.map(() => hex(16))
    await sightline.send(
      'traces',
      tracesRequest(
        trace.id,
        SERVICES.map((service, n) => ({
          id: ids[n]!, ...(n > 0 && { parent: ids[n - 1]! }), name: n === 0 ? 'GET /search' : `call ${n}`, service, kind: n === 0 ? 2 : 3,
          startNano: at + BigInt(n) * 1_000_000n, endNano: at + length - BigInt(n) * 1_000_000n,
          ...(trace.bad && n === 2 && { status: { code: 2 as const, message: 'card refused' } }),
        })),
      ),
    ) // prettier-ignore
  }
}

beforeAll(async () => {
  sightline = await Sightline.start(['--set', `sampling.tail_sampling=${POLICIES}`, '--set', 'self_metrics.interval=1s'])
  browser = await Browser.start()
  await sendTraces()
  await sightline.waitForSpans(failed, SERVICES.length)
  await waitUntil(async () => {
    const totals = await sightline.ask<{ seen: number; spans: number }>('/sampling/totals')
    const state = await sightline.ask<{ undecided_spans: number; since_start: { policies: { kept_spans: number }[] } }>('/sampling')
    const kept = state?.since_start.policies.reduce((sum, one) => sum + one.kept_spans, 0)
    return totals?.seen === TRACES * SERVICES.length && state?.undecided_spans === 0 && totals.spans === kept
  }, 'all decided, stored and counted')
  await waitUntil(async () => {
    const history = await sightline.ask<{ series: { name: string; labels: Record<string, string>; values: (number | null)[] }[] }>('/sampling/history')
    return history?.series.some((one) => one.name === 'traces' && one.labels.policy === 'errors' && one.values.some((value) => (value ?? 0) > 0))
  }, "the program's own metrics")
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true })
}
const rows = (page: Page, table: string) => page.getByRole('region', { name: table }).locator('tbody tr')

describe('the page of sampling', () => {
  it('says what is kept by policy and service, in both themes and narrow, without a fault', async () => {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 700], ['dark', 700]] as const) {
      const page = await browser.page({ theme, width, height: 1400 })
      await page.goto(`${sightline.url}/sampling`)
      await page.getByRole('heading', { name: /% of the spans are kept; all are counted/ }).waitFor()
      await waitUntil(async () => (await page.locator('section .u-over').count()) === 2, 'two charts')
      await settled(page)
      expect(await page.getByText('No trace was decided early').count()).toBe(1)
      expect(await rows(page, 'By policy').locator('th').allInnerTexts()).toEqual(
        expect.arrayContaining([expect.stringMatching(/errors\s*error/), expect.stringMatching(/ten-percent\s*probabilistic/), 'Sampled out']),
      )
      expect(await rows(page, 'By service').count()).toBe(SERVICES.length)
      expect(await page.getByRole('meter').count()).toBe(3)
      expect(await page.getByRole('region', { name: 'Policies in force' }).innerText()).toContain('from --set')
      expect(await accessibilityViolations(page)).toEqual([])
      expect(problems(page)).toEqual([])
      await shot(page, `sampling-${theme}-${width}`)
      await page.close()
    }
  })

  it('is reached from the rail, by keys and from Home', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/`)
    const tile = page.getByRole('region', { name: 'Sampling' })
    await tile.getByText(/%/).first().waitFor()
    await shot(page, 'home-sampling')
    await tile.getByRole('link', { name: 'What is kept' }).click()
    await page.getByRole('heading', { name: 'Policies in force' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await tile.waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    await page.getByRole('heading', { name: 'Policies in force' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('is named by each trace: which policy kept it, and how many it stands for', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/traces/${failed}`)
    await page.getByText('Kept by').waitFor()
    expect(await page.locator('header dl').innerText()).toMatch(/errors\s*stands for 1\b/)
    expect(await accessibilityViolations(page)).toEqual([])
    await page.close()
  })

  it('tells of a trace that was sampled out when that was, instead of not finding it', async () => {
    const out = await waitUntil(async () => {
      for (const id of fine) if ((await fetch(`${sightline.url}/api/v1/traces/${id}`)).status === 410) return id
      return null
    }, 'a trace that was sampled out')
    for (const theme of ['light', 'dark'] as const) {
      const page = await browser.page({ theme })
      await page.goto(`${sightline.url}/traces/${out}`)
      await page.getByRole('heading', { name: 'This trace was sampled out' }).waitFor()
      await page.getByText('no policy kept it').waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      expect(problems(page)).toEqual([])
      await shot(page, `trace-sampled-out-${theme}`)
      await page.close()
    }
  })

  it('tries other policies: checked while they are typed, applied, undone', async () => {
    const page = await browser.page({ height: 1200 })
    await page.goto(`${sightline.url}/sampling`)
    const section = page.getByRole('region', { name: 'Policies in force' })
    await section.getByRole('button', { name: 'Try others' }).click()
    const text = section.getByRole('textbox')
    const inForce = await text.inputValue()
    await text.fill('tail_sampling:\n  policies:\n    - {name: all, type: nonsense}\n')
    await section.getByRole('status').getByText(/nonsense/).waitFor()
    expect(await section.getByRole('status').innerText()).toMatch(/^3:/)
    expect(await section.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true)
    expect(await accessibilityViolations(page)).toEqual([])
    await shot(page, 'sampling-editor')
    await text.fill('tail_sampling:\n  decision_wait: 7s\n  policies:\n    - {name: all, type: always_sample}\n')
    await section.getByText(/can be applied/).waitFor()
    await section.getByRole('button', { name: 'Apply' }).click()
    await section.getByText('Until a restart', { exact: true }).waitFor()
    await section.getByText(/from the API; decided 7 s after/).waitFor()
    expect(await section.locator('pre').innerText()).toContain('always_sample')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Undo' }).click()
    await section.locator('pre').getByText('ten-percent').waitFor()
    expect((await section.locator('pre').innerText()).trim()).toBe(inForce.trim())
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says with sampling off what it would do, with lines to copy', async () => {
    const everything = await Sightline.start()
    try {
      for (const theme of ['light', 'dark'] as const) {
        const page = await browser.page({ theme })
        await page.goto(`${everything.url}/sampling`)
        await page.getByRole('heading', { name: 'Every trace is kept' }).waitFor()
        expect(await page.locator('pre').innerText()).toContain('root_latency')
        expect(await accessibilityViolations(page)).toEqual([])
        expect(problems(page)).toEqual([])
        await shot(page, `sampling-off-${theme}`)
        await page.close()
      }
    } finally {
      await everything.close()
    }
  })
})
