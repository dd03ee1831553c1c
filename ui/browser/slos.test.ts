// SLOs in Chromium against the real program: one is made in three clicks from a service's page, shows its budget and what used it,
// and is watched by an alert.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil, type PageOptions } from './harness'
import { tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const MS = 1_000_000n
const REQUESTS = 400

let sightline: Sightline
let browser: Browser

// Numbers with a fixed seed.
let state = 9
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
  const now = Date.now()
  for (let i = 0; i < REQUESTS; i++) {
    const startNano = BigInt(Math.round(now - (5 + random() * 50 * 60) * 1000)) * MS
    const name = i % 4 === 0 ? 'POST /checkout' : 'GET /item'
    const failed = i % 100 === 0 // of checkout alone
    const span: SpanSketch = { id: hex(16), name, service: 'shop', kind: 2, startNano, endNano: startNano + BigInt(20 + Math.floor(random() * 60)) * MS, ...(failed && { status: { code: 2 as const, message: 'no stock' } }) }
    await sightline.send('traces', tracesRequest(hex(32), [span]))
  }
  await waitUntil(async () => (await sightline.ask<{ spans: number }>('/query/groups?by=name&last=1h'))?.spans === REQUESTS, 'spans stored')
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const open = async (path: string, options: PageOptions = {}) => {
  const page = await browser.page(options)
  await page.goto(`${sightline.url}${path}`)
  return page
}
const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
interface Status {
  status: { sli: number | null; budget: { remaining: number | null } }
}
const idOf = (page: Page) => /\/slos\/(\d+)/.exec(page.url())![1]!

describe('an SLO', () => {
  it('says what to do next while there is none', async () => {
    const page = await open('/')
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.getByRole('heading', { name: 'Nothing is promised yet' }).waitFor()
    await shot(page, 'slos-empty-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.close()
  })

  it('is made in three clicks from the page of a service', async () => {
    const page = await open('/services/shop?last=1h', { width: 1440, height: 900 })
    await page.getByRole('navigation', { name: 'Of this service' }).getByRole('link', { name: 'SLO', exact: true }).click()
    const offers = page.getByRole('radiogroup', { name: 'What shop promises' })
    const errors = offers.getByRole('radio', { name: /^Less than 2 % of requests fail/ })
    await errors.getByText(/kept/).first().waitFor()
    await settled(page)
    await shot(page, 'slo-new-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await errors.click()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.waitForURL(/\/slos\/\d+/)
    await page.getByText('98 % of requests to shop without an error over 30 d').waitFor()

    // 4 of 400 failed: half of the budget.
    const id = idOf(page)
    await waitUntil(async () => {
      const list = await sightline.ask<{ slos: (Status & { id: string })[] }>('/slos')
      const one = list?.slos.find((slo) => slo.id === id)
      return one !== undefined && Math.abs((one.status.sli ?? 0) - 0.99) < 1e-9
    }, 'what is stored is counted')
    await page.keyboard.press('r')
    await page.getByText('99 %', { exact: true }).waitFor()
    await page.getByRole('region', { name: 'Alerts' }).getByRole('link', { name: /budget burns/ }).waitFor()
    const used = page.getByRole('region', { name: 'What used the budget' })
    await used.getByRole('link', { name: 'POST /checkout' }).waitFor()
    await settled(page)
    await page.mouse.move(700, 4) // off what has a tooltip
    await shot(page, 'slo-light')
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await used.getByRole('link', { name: 'POST /checkout' }).click()
    await page.waitForURL(/\/traces\?/)
    expect(new URL(page.url()).searchParams.get('q')).toContain('status = error')
    await page.close()
  })

  it('is in the list, changed, and deleted with a way back', async () => {
    const page = await open('/slos', { width: 1440, height: 900 })
    const row = page.getByRole('row').filter({ hasText: 'shop: errors under 2 %' })
    await row.getByRole('meter').waitFor()
    await settled(page)
    await shot(page, 'slos-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/slos\/\d+/)
    const id = idOf(page)
    await page.getByText('98 % of requests to shop without an error over 30 d').waitFor()
    await page.keyboard.press('e')
    const objective = page.getByRole('textbox', { name: 'Objective in per cent' })
    await objective.fill('101')
    await page.getByText('1 % to 99.9999 % is wanted').first().waitFor()
    await objective.fill('99.5')
    await page.getByRole('group', { name: 'What it would have given' }).getByText('broken').first().waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('99.5 % of requests to shop without an error over 30 d').waitFor()
    await page.getByText('exhausted').first().waitFor()
    expect((await sightline.ask<{ document: { objective: number } }>(`/slos/${id}`))?.document.objective).toBe(0.995)

    const home = await open('/?last=1h')
    await home.getByRole('region', { name: 'Alerts and SLOs' }).getByRole('link', { name: /shop: errors under 2 %/ }).waitFor()
    await home.close()

    await page.getByRole('button', { name: 'More', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByText(/deleted$/).waitFor()
    expect(await sightline.ask(`/slos/${id}`)).toBeNull()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.waitForURL(/\/slos\/\d+/)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('counts events, time slices and other SLOs, and says what is missing', async () => {
    const page = await open('/slos/new', { width: 1440, height: 900 })
    await page.getByRole('button', { name: 'Something else than requests of a service' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Spans are fine')
    await page.getByRole('radio', { name: 'Events', exact: true }).click()
    await page.getByRole('group', { name: 'What it would have given' }).getByText('99 %', { exact: true }).first().waitFor()
    await page.getByRole('radio', { name: 'Time slices', exact: true }).click()
    await page.getByRole('group', { name: 'What it would have given' }).getByText(/%$/).first().waitFor()
    await page.getByRole('radio', { name: 'Composite', exact: true }).click()
    await page.getByText('An SLO is wanted').first().waitFor()
    expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
    await shot(page, 'slo-form-light')
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('reads well in the dark and on a narrow screen', async () => {
    const { slos } = (await sightline.ask<{ slos: { id: string }[] }>('/slos'))!
    for (const [name, path] of [['list', '/slos'], ['one', `/slos/${slos[0]!.id}`], ['new', '/slos/new?of=shop']] as const) {
      const dark = await open(path, { theme: 'dark' })
      await settled(dark)
      await shot(dark, `slos-${name}-dark`)
      expect(await accessibilityViolations(dark)).toEqual([])
      await dark.close()
      const narrow = await open(path, { width: 420, height: 900 })
      await settled(narrow)
      await shot(narrow, `slos-${name}-narrow`)
      expect(await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
      await narrow.close()
    } // prettier-ignore
  })
})
